import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/**
 * Compares a table of a page, between `<!-- marker -->` and `<!-- /marker -->`, with the rows. UPDATE_DOCS=1 writes it
 * instead.
 */
export function expectDocumented(page: string, marker: string, rows: readonly (readonly string[])[]): void {
  const path = join(ROOT, page);
  const section = new RegExp(`(<!-- ${marker} -->\\n)[\\s\\S]*?(<!-- /${marker} -->)`, 'u');
  const [head = [], ...body] = rows.map((row) => `| ${row.join(' | ')} |`);
  const table = [head, `|${' --- |'.repeat(rows[0]?.length ?? 0)}`, ...body, ''].join('\n');
  if (process.env.UPDATE_DOCS === '1') {
    const write = (_: string, start: string, end: string) => `${start}\n${table}\n${end}`;
    writeFileSync(path, readFileSync(path, 'utf8').replace(section, write));
  }
  expect(section.exec(readFileSync(path, 'utf8'))?.[0]).toContain(`\n${table}\n`);
}
