import { join } from 'node:path';

/**
 * Imported first: the proof tools use the tests' community, so that another community's rules and tiers cause no
 * findings.
 */
process.env.LAUREL_COMMUNITY ??= join(import.meta.dirname, '..', 'test', 'fixtures', 'community');
