import { openingsOf } from '../domain/grants/commitment.ts';
import { lineText } from '../domain/grants/line-hash.ts';
import type { GrantsView } from '../domain/grants/views.ts';
import { grantsPath, type Answer, type Get } from './api.ts';

type Line = GrantsView['grants'][number];

export type LedgerFault = { readonly seq: number; readonly sentence: string };
export type LedgerReport = {
  readonly lines: number;
  readonly sum: number;
  readonly faults: readonly LedgerFault[];
  /** Why it could not be finished. */
  readonly failed?: string;
};

/** SHA-256 in hexadecimal, by the browser or by Node. */
async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What is wrong with a line, beside the one that follows it: both as the API gave them, the newest first. */
async function faultsOfLine(accountId: string, line: Line, newer: Line | undefined): Promise<LedgerFault[]> {
  const { hash, reverses: _, ...hashed } = line;
  const computed = await sha256(new TextEncoder().encode(lineText({ ...hashed, username: accountId })));
  const texts = await Promise.all(
    openingsOf(line).map(async ({ part, bytes, commitment }) => {
      const isRight = bytes !== null && (await sha256(bytes)) === commitment;
      return [isRight, `its ${part} does not give its commitment: the text was changed`] as const;
    }),
  );
  const checks: readonly (readonly [boolean, string])[] = [
    ...texts,
    [computed === hash, 'its text does not give its hash: the line was changed'],
    [newer === undefined || newer.seq === line.seq + 1, 'a line after it is missing, or there twice'],
    [newer === undefined || newer.previousHash === hash, 'the line after it does not name its hash'],
    [
      newer === undefined || newer.balanceAfter === line.balanceAfter + newer.amount,
      'the line after it does not add up with its balance',
    ],
    [line.seq !== 1 || line.previousHash === null, 'the first line names a line before it'],
    [line.seq !== 1 || line.balanceAfter === line.amount, 'the first balance is not its amount'],
  ];
  return checks.flatMap(([isRight, sentence]) => (isRight ? [] : [{ seq: line.seq, sentence }]));
}

/** Reads all lines of a ledger and computes the whole chain again. `progress` is told how many lines were seen. */
export async function checkLedger(
  username: string,
  get: Get,
  progress: (lines: number) => void = () => undefined,
): Promise<LedgerReport> {
  const faults: LedgerFault[] = [];
  let [lines, sum, cursor, newer]: [number, number, string | undefined, Line | undefined] = [
    0,
    0,
    undefined,
    undefined,
  ];
  const so = () => ({ lines, sum, faults });
  if (!('subtle' in crypto)) return { ...so(), failed: 'This browser computes hashes on secure pages only.' };
  do {
    const page: Answer<GrantsView> = await get(grantsPath(username, { limit: 1_000, cursor }));
    if (!page.ok) return { ...so(), failed: page.sentence };
    for (const line of page.view.grants) {
      faults.push(...(await faultsOfLine(page.view.accountId, line, newer)));
      newer = line;
      lines += 1;
      sum += line.amount;
    }
    cursor = page.view.next;
    progress(lines);
  } while (cursor !== undefined);
  if (newer !== undefined && newer.seq !== 1)
    faults.push({ seq: newer.seq, sentence: 'the lines before it are missing' });
  return { ...so() };
}
