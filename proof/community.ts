import { join } from 'node:path';

/** Imported first: the proof tools have the tests' community, so that another one's rules and tiers are none of their findings. */
process.env.LAUREL_COMMUNITY ??= join(import.meta.dirname, '..', 'test', 'fixtures', 'community');
