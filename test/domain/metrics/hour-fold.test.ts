import fc from 'fast-check';
import { expect, it } from 'vitest';
import { noFacts, type HourFacts } from '../../../domain/metrics/community-hour.ts';
import { lineOfCopy } from '../../../domain/metrics/hour-events.ts';
import { hourFolder, type CommunityHourFold } from '../../../domain/metrics/hour-fold.ts';
import { idOfSeries } from '../../../domain/metrics/tally.ts';
import type { NewSorter } from '../../../domain/shared/sorter.port.ts';
import { isTrustedDevice } from '../../../domain/telemetry/device-id.ts';
import { winningCopies } from '../../../domain/telemetry/winning-copy.ts';
import { diskSorter } from '../../../functions/adapters/disk/external-sorter.ts';
import { anEntry } from '../../builders/device-hour.ts';
import { aUsername, sha256 } from '../../builders/identity.ts';

/** Sorters that hold seven lines, and how many lines were added to each of them. */
function smallSorters() {
  const added: number[] = [];
  const newSorter: NewSorter = (how) => {
    const place = added.push(0) - 1;
    const sorter = diskSorter({ itemsInMemory: 7, readAheadBytes: 1 })(how);
    return {
      ...sorter,
      add(item) {
        added[place] = (added[place] ?? 0) + 1;
        sorter.add(item);
      },
    };
  };
  return { newSorter, added };
}

function foldOf(pieces: readonly Partial<HourFacts>[]) {
  const { newSorter, added } = smallSorters();
  const folder = hourFolder({ sha256, newSorter });
  try {
    for (const piece of pieces) folder.add({ ...noFacts, ...piece });
    return { ...plain(folder.fold()), mostAdded: Math.max(...added) };
  } finally {
    folder.close();
  }
}

const plain = ({ tallies, members }: CommunityHourFold) => ({
  rows: Object.fromEntries(
    tallies.map(({ series, tally }) => [idOfSeries(series), `${tally.eventCount} ${tally.valueSum}`]),
  ),
  members: Object.fromEntries([...members].map(([metric, hashes]) => [metric, [...hashes]])),
});

/** The same of all facts at once, in memory: each event from its winning copy. */
function counted({ devices, newDevices, versions, pulls, grants }: HourFacts) {
  const copies = devices.flatMap(({ deviceId, events }) => events.map((entry) => ({ deviceId, entry })));
  const ofDevices = copies.filter(({ deviceId }) => !isTrustedDevice(deviceId));
  const commands = winningCopies(copies).flatMap(({ entry }) => entry.kind.command ?? []);
  const members = {
    ACTIVE_DEVICE: ofDevices.map(({ deviceId }) => deviceId),
    ACTIVE_MEMBER: winningCopies(ofDevices).flatMap(({ entry }) => entry.sender ?? []),
    DISTINCT_PUBLISHER: versions.map(({ publisher: { kind, name } }) => `${kind}:${name}`),
  };
  const hashes = Object.fromEntries(
    Object.entries(members).map(([metric, who]) => [
      metric,
      [...new Set(who.map((name) => sha256(name).slice(0, 16)))].sort(),
    ]),
  );
  const sum = (of: HourFacts['grants']) => of.reduce((all, { amount }) => all + amount, 0);
  const awards = grants.filter(({ grantId }) => grantId.startsWith('award:'));
  const rows: [string, number, number][] = [
    ['CLI_INVOCATION#community', commands.length, 0],
    ['NEW_DEVICE#community', newDevices.length, 0],
    ['EXTENSION_PUBLISHED#community', versions.length, 0],
    ['EXTENSION_PULLED#community', pulls.length, 0],
    ['AWARD_GRANTED#community', awards.length, sum(awards)],
    ['POINTS_GRANTED#community', grants.length, sum(grants)],
    ...Object.entries(hashes).map(([metric, of]): [string, number, number] => [`${metric}#community`, of.length, 0]),
    ...[...Map.groupBy(commands, (command) => `CLI_INVOCATION#command#${command}`)].map(
      ([id, of]): [string, number, number] => [id, of.length, 0],
    ),
    ...[...Map.groupBy(versions, ({ name }) => `EXTENSION_PUBLISHED#extension#${name}`)].map(
      ([id, of]): [string, number, number] => [id, of.length, 0],
    ),
    ...[...Map.groupBy(pulls, ({ name }) => `EXTENSION_PULLED#extension#${name}`)].map(
      ([id, of]): [string, number, number] => [id, of.length, 0],
    ),
  ];
  const happened = rows.filter(([, count]) => count > 0).map(([id, count, points]) => [id, `${count} ${points}`]);
  return { rows: Object.fromEntries(happened), members: hashes };
}

const commands = ['model', 'run', 'data', 'other', null];
const senders = [null, aUsername('ada'), aUsername('bob')];
/** A device has an event once. What its copies under other devices tell may differ. */
function entryOf(deviceId: string, id: number, salt: number) {
  const place = (deviceId.length + deviceId.charCodeAt(0)) * 31 + id * 7 + salt;
  const command = commands[place % commands.length] ?? null;
  const kind = command === null ? { event: 'my_event' } : { command };
  return anEntry(`e${id}`, kind, senders[place % senders.length] ?? null);
}
const devices = fc
  .record({
    salt: fc.nat(100),
    pieces: fc.array(
      fc.record({
        deviceId: fc.constantFrom('a', 'a b', 'ab', 'é', '~ada'),
        ids: fc.array(fc.nat(40), { maxLength: 30 }),
      }),
      { maxLength: 12 },
    ),
  })
  .map(({ salt, pieces }) =>
    pieces.map(({ deviceId, ids }) => ({ deviceId, events: ids.map((id) => entryOf(deviceId, id, salt)) })),
  );
const publisher = { kind: 'personal', name: aUsername('ada') } as const;
const rest = fc.record({
  newDevices: fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  versions: fc.array(fc.record({ name: fc.constantFrom('x', 'y'), version: fc.constant('2026.08.21.1') }), {
    maxLength: 2,
  }),
  pulls: fc.array(
    fc.record({ name: fc.constantFrom('x', 'y'), version: fc.constant('2026.08.21.1'), puller: fc.constant('user:a') }),
    { maxLength: 4 },
  ),
  grants: fc.array(fc.record({ grantId: fc.constantFrom('award:1', 'publish:x'), amount: fc.integer() }), {
    maxLength: 4,
  }),
});

it('an hour of more events than sorters hold folds as in memory: in any order, in any pieces, with repeats', () => {
  let mostAdded = 0;
  fc.assert(
    fc.property(devices, rest, fc.array(fc.nat(), { maxLength: 12 }), (of, others, places) => {
      const versions = others.versions.map((version) => ({ ...version, publisher }));
      const again = of.filter((_, index) => (places[index] ?? 1) % 3 === 0);
      const pieces = [...of, ...again].toSorted((a, b) => (places[of.indexOf(a)] ?? 0) - (places[of.indexOf(b)] ?? 0));
      const fold = foldOf([{ ...others, versions }, ...pieces.map((device) => ({ devices: [device] }))]);

      const { rows, members } = counted({ ...others, versions, devices: of });
      expect({ rows: fold.rows, members: fold.members }).toEqual({ rows, members });
      mostAdded = Math.max(mostAdded, fold.mostAdded);
    }),
    { numRuns: 60 },
  );
  expect(mostAdded).toBeGreaterThan(5 * 7); // through files
});

it('keeps the 64 most frequent of any number of commands, and counts the others together', () => {
  const count = 12_000;
  const { rows } = foldOf(
    Array.from({ length: count }, (_, n) => {
      const times = n % 100 === 0 && n < 6_400 ? 2 : 1;
      const kind = { event: 'cli_invocation', command: n === 7 ? 'other' : `c${n}`, success: true };
      const events = Array.from({ length: times }, (_time, time) => anEntry(`${n}/${time}`, kind));
      return { devices: [{ deviceId: 'd', events }] };
    }),
  );
  const ofCommands = Object.entries(rows).filter(([id]) => id.startsWith('CLI_INVOCATION#command#'));

  expect(ofCommands).toHaveLength(65);
  expect(ofCommands.filter(([, tally]) => tally === '2 0')).toHaveLength(64);
  expect(rows['CLI_INVOCATION#command#other']).toBe(`${count - 64} 0`);
});

it('has lines in the order in which copies count', () => {
  const ada = aUsername('ada');
  const copies = [
    ['d2', ada],
    ['d10', ada],
    ['d', null],
    ['d1', null],
  ] as const;
  const lines = copies.map(([deviceId, sender]) => lineOfCopy(deviceId, anEntry('e', {}, sender)));

  expect(lines.toSorted()).toEqual([lines[1], lines[0], lines[2], lines[3]]);
});
