import { ONE } from './activity.ts';
import type { ScoringRules } from './scoring-rules.ts';

/** What one part of a file expects of another. `path` is within the file. */
export type RuleFault = { readonly path: readonly (string | number)[]; readonly expected: string };

/** Events that the code knows, and what they count for. */
export const BUILT_IN_EVENTS = ['award', 'badge_granted', 'extension_published', 'extension_pulled'] as const;
const BUILT_IN_KEYS = ['telemetry:activity', 'content:extension-publishes', 'content:extension-pulls'];
const LINE = ':<id>';
/** The ledger's own prefixes of grant ids. */
const LEDGER_WORDS = ['award', 'badge', 'publish', 'reversal'];
const OTHER_COMMANDS = 'other';

/** What is wrong with rules beyond the form of their parts. */
export const faultsOfRules = (rules: ScoringRules): readonly RuleFault[] => [
  ...faultsOfActivity(rules),
  ...faultsOfEvents(rules),
  ...faultsOfTiers(rules),
];

function* repeated(
  values: readonly (readonly [path: RuleFault['path'], value: string])[],
  expected: (value: string, first: string) => string,
): Generator<RuleFault, void> {
  const first = new Map<string, RuleFault['path']>();
  for (const [path, value] of values) {
    const before = first.get(value);
    if (before === undefined) first.set(value, path);
    else yield { path, expected: expected(value, before.join('.')) };
  }
}

function* faultsOfActivity({ activity }: ScoringRules): Generator<RuleFault, void> {
  const { events, groups } = activity;
  yield* repeated(
    groups.flatMap(({ commands }, group) =>
      commands.map(
        (command, index) => [['activity', 'groups', group, 'commands', index], command] satisfies [unknown, string],
      ),
    ),
    (command, first) => `expected each command once, and ${command} is in ${first}, too`,
  );
  yield* repeated(
    groups.map(({ name }, index) => [['activity', 'groups', index, 'name'], name]),
    (name, first) => `expected names that differ, and ${first} is ${name}, too`,
  );
  yield* repeated(
    events.map(({ event }, index) => [['activity', 'events', index, 'event'], event]),
    (event, first) => `expected each event once, and ${first} is ${event}, too`,
  );
  for (const [index, { name }] of groups.entries()) {
    if (name === OTHER_COMMANDS) {
      yield {
        path: ['activity', 'groups', index, 'name'],
        expected: 'expected another name than other: that is the rest',
      };
    }
  }
  // Above this a product would leave the whole numbers that a double holds exactly, and the score would be rounded.
  const caps = groups.reduce((sum, group) => sum + group.cap + activity.diversityPoints, 0);
  const most = BigInt(caps + activity.otherCommands.cap);
  const largest = most * BigInt(ONE + activity.streak.maximum) * BigInt(ONE + activity.window.basisPoints);
  if (largest >= BigInt(Number.MAX_SAFE_INTEGER)) {
    yield {
      path: ['activity'],
      expected:
        'expected caps and multipliers whose largest product is an exact whole number, below 9007199254740991, ' +
        `and it is ${largest}`,
    };
  }
}

function* faultsOfEvents({ activity, events }: ScoringRules): Generator<RuleFault, void> {
  const path = (index: number, field: string) => ['events', index, field];
  yield* repeated(
    [
      ...BUILT_IN_KEYS.map((key) => [['Laurel itself'], key] satisfies [unknown, string]),
      ...events.map(({ key }, index) => [path(index, 'key'), key] satisfies [unknown, string]),
    ],
    (key, first) => `expected a key of its own, and ${key} is that of ${first}`,
  );
  yield* repeated(
    [
      ...BUILT_IN_EVENTS.map((event) => [['Laurel itself'], event] satisfies [unknown, string]),
      ...activity.events.map(({ event }, index) => [['activity', 'events', index], event] satisfies [unknown, string]),
      ...events.map(({ event }, index) => [path(index, 'event'), event] satisfies [unknown, string]),
    ],
    (event, first) => `expected an event of its own, and ${event} is that of ${first}`,
  );
  for (const [index, { id, per, cap, capPer, key, source, open }] of events.entries()) {
    if (per !== 'day' && id === undefined) {
      yield { path: path(index, 'id'), expected: 'expected the property that identifies it, or "per": "day"' };
    }
    if (per === 'day' && id !== undefined) {
      yield { path: path(index, 'id'), expected: 'expected none beside "per": "day": its date identifies it' };
    }
    if (capPer !== undefined && cap === undefined) {
      yield { path: path(index, 'cap'), expected: 'expected a number beside capPer' };
    }
    if (key.startsWith('award:')) {
      yield { path: path(index, 'key'), expected: 'expected a key that does not start with award:' };
    }
    if (!key.endsWith(LINE)) continue;
    const [, word = ''] = key.split(':');
    if (per === 'day' || cap !== undefined || open === true) {
      yield { path: path(index, 'key'), expected: `expected no ${LINE} beside "per": "day", a cap or "open"` };
    }
    if (['extensions', 'award', 'badge'].includes(source)) {
      yield {
        path: path(index, 'source'),
        expected: `expected another source than ${source}: the ledger has it already`,
      };
    }
    if (LEDGER_WORDS.includes(word)) {
      yield { path: path(index, 'key'), expected: `expected another word than ${word}: the ledger has it already` };
    }
  }
}

function* faultsOfTiers({ tiers }: ScoringRules): Generator<RuleFault, void> {
  yield* repeated(
    tiers.map(({ name }, index) => [['tiers', index, 'name'], name.toLowerCase()]),
    (name, first) => `expected names that differ, and ${first} is ${name}, too`,
  );
  for (const [index, { from }] of tiers.entries()) {
    const below = tiers[index - 1];
    if (below === undefined && from !== 0) {
      yield { path: ['tiers', 0, 'from'], expected: 'expected 0: everybody is in the lowest tier at least' };
    }
    if (below !== undefined && from <= below.from) {
      yield {
        path: ['tiers', index, 'from'],
        expected: `expected more than ${below.from}, the threshold of ${below.name} before it`,
      };
    }
  }
}
