import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { scratchDirectory } from '../../local/script.ts';
import { REFRESH_DELAY_SECONDS } from '../../functions/runtime/names.ts';
import type { Engine } from './engine.ts';
import { NEXT } from './stubs/install.ts';

const ROLES = [
  'announce-changes',
  'backfill',
  'check-conservation',
  'confirm-publish',
  'erase-accounts',
  'import-history',
  'ingest-telemetry',
  'link-logins',
  'manage-accounts',
  'manage-devices',
  'rank-leaderboards',
  'read-api',
  'record-award',
  'refresh-score',
  'roll-up-metrics',
  'set-visibility',
] as const;
export type Role = (typeof ROLES)[number];
export type Handler = (event: unknown, context?: object) => Promise<unknown>;
export type Functions = ReadonlyMap<Role, Handler>;

/** The versions of the rules that a schedule may deploy. */
export type Rules = '1' | '2';
/** The functions of each deployment. Those of the next version are loaded when they are needed. */
export type Deployments = (rules: Rules) => Promise<Functions>;

const Module = z.object({ handler: z.custom<Handler>((value) => typeof value === 'function') });

/** Imports the deployed handlers. Install the stubs first. */
async function load(mark: string): Promise<Functions> {
  const handlerOf = async (role: Role): Promise<Handler> =>
    Module.parse(await import(`../../functions/${role}/handler.ts${mark}`)).handler;
  const handlers = new Map<Role, Handler>();
  for (const role of ROLES) handlers.set(role, await handlerOf(role));
  return handlers;
}

const Activity = z.looseObject({ groups: z.array(z.looseObject({ points: z.number(), cap: z.number() })) });
const Scored = z.array(z.looseObject({ event: z.string(), points: z.number() }));
const RulesFile = z.looseObject({ activity: Activity, events: Scored });

/** A copy of the community with a second version of its rules in force: `VERSION_2` of the model. */
function nextCommunity(folder: string): string {
  const { path } = scratchDirectory('rules');
  cpSync(folder, path, { recursive: true });
  const read = (file: string): unknown => JSON.parse(readFileSync(join(path, file), 'utf8'));
  const { activity, events, ...rest } = RulesFile.parse(read('rules/1.json'));
  const groups = activity.groups.map((group) => ({ ...group, points: 2 * group.points, cap: group.cap - 100 }));
  const next = {
    ...{ ...rest, version: '2', activity: { ...activity, groups }, pulls: { points: 7, cap: 700 } },
    events: events.map((each) => (each.event === 'issue_created' ? { ...each, points: 30, cap: 900 } : each)),
  };
  writeFileSync(join(path, 'rules', '2.json'), JSON.stringify(next));
  const settings = z.looseObject({}).parse(read('community.json'));
  writeFileSync(join(path, 'community.json'), JSON.stringify({ ...settings, rules: '2' }));
  return path;
}

export async function loadFunctions(engine: Engine): Promise<Deployments> {
  const environment = {
    ACCOUNTS_TABLE: engine.table('accounts'),
    TELEMETRY_TABLE: engine.table('telemetry'),
    SCORES_TABLE: engine.table('user_scores'),
    GRANTS_TABLE: engine.table('score_grants'),
    REGISTRY_TABLE: engine.table('registry'),
    CREDENTIALS_TABLE: engine.table('credentials'),
    ROLLUPS_TABLE: engine.table('metric_rollup_hour'),
    RUNS_TABLE: engine.table('backfill_runs'),
    SCORE_REFRESH_QUEUE_URL: 'http://queues/000000000000/score-refresh',
    ERASE_QUEUE_URL: 'http://queues/000000000000/erase',
    ROLL_UP_QUEUE_URL: 'http://queues/000000000000/roll-up',
    LEADERBOARDS_TABLE: engine.table('leaderboards'),
    RANK_QUEUE_URL: 'http://queues/000000000000/rank',
    REFRESH_DELAY_SECONDS: String(REFRESH_DELAY_SECONDS),
    BACKFILL_QUEUE_URL: 'http://queues/000000000000/backfill',
  };
  Object.assign(process.env, environment); // the environment that Lambda gives to each function
  const first = await load('');
  let next: Promise<Functions> | undefined;
  return async (rules) => {
    if (rules === '1') return first;
    const folder = process.env.LAUREL_COMMUNITY ?? '';
    next ??= (async () => {
      process.env.LAUREL_COMMUNITY = nextCommunity(folder); // read when the modules are loaded
      return load(NEXT);
    })().finally(() => (process.env.LAUREL_COMMUNITY = folder));
    return next;
  };
}
