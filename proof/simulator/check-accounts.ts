import * as z from 'zod';
import { checkConsistency, read } from './checks.ts';
import { ERASABLE } from './credentials.ts';
import { drain } from './drain.ts';
import { expectNone } from './finding.ts';
import { keysOf, ledgerIn, telemetryIn, type Item } from '../model/stored.ts';
import type { World } from './world.ts';

/** Longer than any function remembers a name. */
const FORGOTTEN_MS = 10_000;

/** Each account has one name, and each name that nobody gave up is that of its account. */
function problemsOfNames(items: readonly Item[]): readonly string[] {
  const present = items.filter(({ pk, heldUntil }) => String(pk).startsWith('NAME#') && heldUntil === undefined);
  const accounts = items.filter(({ sk, erasedAt }) => sk === 'ACCOUNT' && erasedAt === undefined);
  const named = accounts.flatMap(({ pk, username }) => {
    const own = present.filter(({ account }) => `ACCOUNT#${String(account)}` === pk).map(({ sk }) => sk);
    return own.length === 1 && own[0] === username ? [] : [`${String(pk)} is ${String(username)}, with ${own.join()}`];
  });
  return present.length === accounts.length
    ? named
    : [...named, `${present.length} names of ${accounts.length} accounts`];
}

const Balance = z.object({ balance: z.object({ totalScore: z.number() }) });
const TABLES_OF_NAMES = ['accounts', 'credentials', 'user_scores', 'leaderboards', 'score_grants'] as const;

/** The name of an erased user is nowhere, or that of a new account, which has nothing of the former one. */
async function checkErased(world: World): Promise<void> {
  const { engine } = world.simulation;
  const { username, account: first } = ERASABLE;
  const items: Item[] = [];
  for (const table of TABLES_OF_NAMES) items.push(...(await engine.items(table)));
  const holder = items.find(({ pk, sk }) => String(pk).startsWith('NAME#') && sk === username)?.account;
  const isOf = (item: Item, account: unknown) =>
    [item.account, item.username].includes(account) || keysOf(item).pk.endsWith(`#${String(account)}`);
  const named = items.filter((item) => JSON.stringify(item).includes(username));
  const left = items.filter((item) => isOf(item, first));
  const mayStay = ({ sk, reason, grantedBy }: Item) =>
    ['ACCOUNT', 'PROFILE', 'BALANCE'].includes(String(sk)) ||
    (sk === 'GRANT' && reason === undefined && grantedBy === undefined);
  const owned = telemetryIn(await engine.items('telemetry')).devices.filter(({ owner }) => owner === first);
  const nameOf = (item: Item) => `${String(item.pk)} / ${String(item.sk)}`;
  expectNone('erasure', [
    ...(holder === first ? [`${username} is still the name of ${first}`] : []),
    ...named.filter((item) => !isOf(item, holder)).map((item) => `${nameOf(item)} holds the name ${username}`),
    ...left.filter((item) => !mayStay(item)).map((item) => `${nameOf(item)} is left of ${first}`),
    ...owned.map(({ deviceId }) => `${deviceId} is still that of ${first}`),
  ]);
  const lines = ledgerIn(await engine.items('score_grants')).lines.filter((line) => line.username === holder);
  const sum = lines.reduce((total, { amount }) => total + amount, 0);
  const shown = (await read(world, `/v1/scores/${username}`, '', Balance))?.balance.totalScore;
  const expected = lines.length === 0 ? undefined : sum;
  expectNone('erasure', shown === expected ? [] : [`${username} has ${shown} points, and should have ${expected}`]);
}

/**
 * While accounts are merged, what is stored must equal a fold of the facts of both. Then all are unmerged: everything
 * must be as if they had never been merged, so that the models need not know merges.
 */
export async function checkAccounts(world: World): Promise<void> {
  const { simulation, schedule } = world;
  if (!schedule.steps.some(({ act }) => ['rename', 'merge', 'link', 'erase'].includes(act.kind))) return;
  const items = await simulation.engine.items('accounts');
  expectNone('accounts', problemsOfNames(items));
  const merged = items.flatMap(({ pk, mergedInto }) =>
    mergedInto === undefined ? [] : [String(pk).slice('ACCOUNT#'.length)],
  );
  if (merged.length > 0) await checkConsistency(world, 'check merged accounts');
  simulation.now += FORGOTTEN_MS;
  for (const username of merged) await world.finish(world.ask({ kind: 'unmerge', username }, `apart ${username}`));
  await drain(world, 'apart');
  if (schedule.steps.some(({ act }) => act.kind === 'erase')) await checkErased(world);
}
