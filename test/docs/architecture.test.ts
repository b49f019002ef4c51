import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { functions, resources } from '../infra/template-under-test.ts';
import { ofType } from '../support/template.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');
const ADAPTERS = join(ROOT, 'functions', 'adapters', 'dynamodb');

/** The keys of items in the comments above the codecs: ` *   pk   sk   content`. */
const keysInSources = readdirSync(ADAPTERS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => [...readFileSync(join(ADAPTERS, file), 'utf8').matchAll(/^ \* {3}(\S+) +(\S+)(?: {2,}|$)/gmu)])
  .map(([, pk = '', sk = '']) => [pk, sk] as const);

it('every item in the sources has a row, and every row an item', () => {
  const rows = [...page.matchAll(/^\| `([^`]+)` \| ((?:`[^`]+`(?:, )?)+) \|/gmu)].flatMap(([, pk = '', sks = '']) =>
    [...sks.matchAll(/`([^`]+)`/gu)].map(([, sk = '']) => `${pk} ${sk}`),
  );
  const named = keysInSources.map(([pk, sk]) => `${pk} ${sk}`);

  expect(named.length).toBeGreaterThan(25);
  expect(rows.filter((row) => row !== '<id> KEY').sort()).toEqual(named.sort());
});

it('every table and every function of the template is described', () => {
  const tables = ofType(resources, 'AWS::DynamoDB::GlobalTable').map(([, { Properties }]) =>
    String(Properties.TableName).replace(/^laurel-local-/u, ''),
  );
  for (const table of tables) expect(page).toContain(`### \`${table}\``);
  for (const role of functions.keys()) expect(page).toContain(`| \`${role}\` |`);
});
