import type { AccountId } from '../identity/account.ts';
import type { Random, Sleep } from '../shared/environment.ts';
import type { Balance } from './balance.ts';
import { isContribution, type GrantLine } from './grant.ts';
import type { GrantLines, LineFault, LinesAfter, LinesRange, LinesRead } from './grant-ledger.port.ts';

export type LinesDeps = { readonly lines: GrantLines; readonly random: Random; readonly sleep: Sleep };

/** What the lines of one public answer may cost, in read units: 440 of the longest lines, or some 900 usual ones. */
export const MAX_UNITS_OF_LINES = 55;

const MAX_TRIES = 7;
const FIRST_PAUSE_MS = 20;

/**
 * Reads until the index has caught up with the ledger, as `isWhole` decides, and gives the last result. The number of
 * tries is bounded. After the last one, a missing line counts as missing.
 */
async function readCaughtUp<Read>(
  { random, sleep }: LinesDeps,
  read: () => Promise<Read>,
  isWhole: (read: Read) => boolean,
): Promise<Read> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await read();
    if (isWhole(found) || attempt === MAX_TRIES) return found;
    await sleep((0.5 + random() / 2) * FIRST_PAUSE_MS * 2 ** attempt);
  }
}

const isUnbroken = (newestFirst: readonly number[]): boolean =>
  newestFirst.every((seq, index) => index === 0 || newestFirst[index - 1] === seq + 1);

const isUnread = ({ code }: LineFault): boolean => code === 'unreadable_line';

/**
 * A page of lines, newest first: the newest, or those before a seq. A line that cannot be read is among the faults
 * instead. Reads the balance first, to know what must be there.
 */
export async function pageOfLines(
  deps: LinesDeps,
  account: AccountId,
  range: LinesRange,
): Promise<{
  readonly balance: Balance;
  readonly page: readonly GrantLine[];
  readonly unread: readonly LineFault[];
  readonly next: number | null;
}> {
  const { limit, before } = range;
  const read = async () => {
    const balance = await deps.lines.balanceOf(account);
    const found = await deps.lines.newestOf(account, range);
    return { balance, ...found, seqs: seqsOf(found).toReversed() };
  };
  const isWhole = ({ balance: { seq }, seqs, isCut = false }: Awaited<ReturnType<typeof read>>) => {
    const newest = before === undefined ? seq : Math.min(seq, before - 1);
    const first = seqs[0] ?? 0;
    return first >= newest && (isCut || seqs.length === Math.min(limit, first)) && isUnbroken(seqs);
  };
  const { balance, lines, faults, seqs, isCut = false } = await readCaughtUp(deps, read, isWhole);
  const last = seqs.at(-1) ?? 1;
  const next = (isCut || seqs.length === limit) && last > 1 ? last : null;
  return { balance, page: lines, unread: faults.filter(isUnread), next };
}

/** A balance and lines that were read with it. */
export type LedgerRead = LinesRead & { readonly balance: Balance };

/**
 * All lines of a user up to a balance, in order, or at most `limit` lines after a seq. Lines that were added during the
 * read are left for later.
 */
export async function linesUpTo(
  deps: LinesDeps,
  account: AccountId,
  range: LinesAfter = { after: 0, limit: Infinity },
): Promise<LedgerRead> {
  const read = async (): Promise<LedgerRead> => {
    const balance = await deps.lines.balanceOf(account);
    const { lines, faults, isCut = false } = await deps.lines.allOf(account, range);
    const newest = Math.max(0, ...seqsOf({ lines, faults }).slice(-1));
    // If the balance has moved by now, lines that it does not know are new. Otherwise they are a fault, which is shown.
    const hasMoved = newest > balance.seq && (await deps.lines.balanceOf(account)).seq >= newest;
    const isKept = ({ seq }: { readonly seq: number }) => !hasMoved || seq <= balance.seq;
    return { balance, lines: lines.filter(isKept), faults: faults.filter(isKept), isCut };
  };
  return readCaughtUp(deps, read, ({ balance, ...found }) => {
    const seqs = seqsOf(found);
    const expected = Math.max(0, Math.min(range.limit, balance.seq - range.after));
    return (
      (found.isCut === true || seqs.length === expected) && seqs.every((seq, index) => seq === range.after + index + 1)
    );
  });
}

/** Of all that was found, in order. */
const seqsOf = ({ lines, faults }: LinesRead): readonly number[] => {
  return [...lines, ...faults.filter(isUnread)].map(({ seq }) => seq).sort((a, b) => a - b);
};

const FIRST_PAGE = 100;
const MAX_LINES_A_PAGE = 1_000;

/** A user's lines up to `seq` and after `after`, newest first. Throws if the index does not catch up. */
export async function linesBetween(
  deps: LinesDeps,
  account: AccountId,
  seq: number,
  after: number,
): Promise<readonly GrantLine[]> {
  const lines: GrantLine[] = [];
  for (let next = seq; next > after; next = seq - lines.length) {
    lines.push(...(await wholePage(deps, account, next, Math.min(MAX_LINES_A_PAGE, next - after))));
  }
  return lines;
}

/**
 * A user's lines up to a seq, newest first, until they hold the wanted number of contributions. Other lines may lie
 * between. A user who publishes all day has many of them, so each page is larger than the one before. Throws if the
 * index does not catch up: a score must not be made from a part.
 */
export async function linesWith(
  deps: LinesDeps,
  account: AccountId,
  seq: number,
  contributions: number,
): Promise<readonly GrantLine[]> {
  const lines: GrantLine[] = [];
  let limit = FIRST_PAGE;
  for (let next = seq; next > 0 && lines.filter(isContribution).length < contributions; next = seq - lines.length) {
    lines.push(...(await wholePage(deps, account, next, limit)));
    limit = Math.min(MAX_LINES_A_PAGE, 2 * limit);
  }
  return lines;
}

async function wholePage(
  deps: LinesDeps,
  account: AccountId,
  seq: number,
  limit: number,
): Promise<readonly GrantLine[]> {
  const page = await readCaughtUp(
    deps,
    async () => {
      const { lines, faults } = await deps.lines.newestOf(account, { limit, before: seq + 1 });
      const unread = faults.find(isUnread);
      if (unread !== undefined) throw new Error(`the ledger of ${account}: ${unread.error}`);
      return lines;
    },
    (read) => isPageFrom(read, seq, limit),
  );
  if (!isPageFrom(page, seq, limit)) throw new Error(`the lines of ${account} before ${seq + 1} are not all there yet`);
  return page;
}

const isPageFrom = (page: readonly GrantLine[], seq: number, limit: number): boolean =>
  page[0]?.seq === seq && page.length === Math.min(limit, seq) && isUnbroken(page.map((line) => line.seq));
