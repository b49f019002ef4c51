import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lineText } from '../../domain/grants/line-hash.ts';
import { wrongTextsOf } from '../../domain/grants/commitment.ts';
import { sha256 } from '../builders/identity.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'ledger.md'), 'utf8');
const line = JSON.parse(/```json\n(.*?)```/su.exec(page)?.[1] ?? '');
const accountId = /"accountId": "([^"]+)"/u.exec(page)?.[1] ?? '';
/** As a reader of the page would do it, without any code of this repository. */
const hashOf = (...parts: readonly (string | Buffer)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

it('the example on the page is right', () => {
  const fields = /`\[(accountId, [^\]]+)\]`/u.exec(page)?.[1]?.split(', ') ?? [];
  const array = fields.map((field) => (field === 'accountId' ? accountId : line[field]));

  expect(array).not.toContain(undefined);
  expect(hashOf('laurel ledger line 2\n', JSON.stringify(array))).toBe(line.hash);
  for (const part of ['reason', 'grantedBy'])
    expect(hashOf(Buffer.from(line[`${part}Salt`], 'hex'), line[part])).toBe(line[`${part}Commitment`]);
});

it('the product computes the same, and the commands on the page contain it', () => {
  expect(sha256(lineText({ ...line, username: accountId }))).toBe(line.hash);
  expect(wrongTextsOf(line, sha256)).toEqual([]);
  expect(page).toContain(`printf '%s' '${lineText({ ...line, username: accountId })}' | sha256sum`);
  const bytes = line.reasonSalt.replace(/../gu, '\\x$&');
  expect(page).toContain(`printf '%b' '${bytes}${line.reason}' | sha256sum`);
});
