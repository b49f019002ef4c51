import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Foreign JSON, to be changed. */
export type Json = any;

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'community');
const jsonOf = (name: string): Json => JSON.parse(readFileSync(join(FIXTURE, name), 'utf8'));

/** The files of the tests' community, to be changed. */
export const aCommunity = () => ({
  settings: jsonOf('community.json'),
  rules: jsonOf('rules/1.json'),
  texts: new Map<string, string>(),
});
