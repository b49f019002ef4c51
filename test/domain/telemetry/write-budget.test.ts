import { describe, expect, it } from 'vitest';
import type { Credential } from '../../../domain/identity/credential.ts';
import { isPlaceholder } from '../../../domain/telemetry/device-id.ts';
import { judgePulls, type FactRecord } from '../../../domain/telemetry/record-trusted-event.ts';
import { judgeEvent, type AcceptableEvent } from '../../../domain/telemetry/telemetry-event.ts';
import { aVersion } from '../../adapters/a-publication.ts';
import { aUsername } from '../../builders/identity.ts';
import { spend } from '../../../domain/telemetry/write-budget.ts';

const now = Date.parse('2026-08-21T12:00:00Z');
const event = (distinctId: string, hoursAgo = 0, more: object = {}): AcceptableEvent => {
  const timestamp = new Date(now - hoursAgo * 3_600_000).toISOString();
  const raw = { event: 'cli_invocation', distinct_id: distinctId, insert_id: `${hoursAgo}`, timestamp, ...more };
  const judged = judgeEvent(raw, { now, isTrusted: true, sha256: (text) => text.padEnd(64, '0') });
  if (!judged.ok) throw new Error(judged.error.error);
  return judged.value;
};
const keyOf = (kind: Credential['kind']) => ({ kind }) as Credential;
const codes = (credential: Credential | undefined, events: readonly AcceptableEvent[]) => {
  const overBudget = spend(credential);
  return events.map((each) => overBudget(each)?.code ?? 'stored');
};
const count = (all: readonly string[], code: string) => all.filter((each) => each === code).length;

describe('the write budget of a request', () => {
  it.each<[string, Credential | undefined, number, number]>([
    ['no key', undefined, 10, 100],
    ['a personal key', keyOf('personal'), 25, 200],
    ["a collective's key", keyOf('collective'), 25, 200],
    ['a service key', keyOf('service'), 500, 500],
    ['an admin key', keyOf('admin'), 500, 500],
  ])('of %s', (_who, credential, devices, hours) => {
    const ofDevices = codes(
      credential,
      Array.from({ length: 600 }, (_, n) => event(`d${n}`)),
    );
    expect(ofDevices.indexOf('too_many_devices')).toBe(devices);
    expect(count(ofDevices, 'stored')).toBe(devices);

    const ofHours = codes(
      credential,
      Array.from({ length: 600 }, (_, n) => event(`d${n % 2}`, Math.floor(n / 2))),
    );
    expect(ofHours.indexOf('too_many_hours')).toBe(hours);
    expect(count(ofHours, 'stored')).toBe(hours);
  });

  it('includes later events of a device and hour that it already covers', () => {
    const events = Array.from({ length: 12 }, (_, n) => event(`d${n}`));
    expect(codes(undefined, [...events, event('d0'), event('d0', 1)]).slice(-4)).toEqual([
      'too_many_devices',
      'too_many_devices',
      'stored',
      'stored',
    ]);
  });

  it("counts the account of a server's report as a device, whatever device sent it", () => {
    const reports = Array.from({ length: 501 }, (_, n) =>
      event('server', 0, { event: 'daily_sign_in', properties: { username: `u${n}` } }),
    );
    expect(codes(keyOf('service'), reports).slice(-2)).toEqual(['stored', 'too_many_devices']);
  });

  it('tells the client what to do', () => {
    const overBudget = spend(undefined);
    for (let n = 0; n < 10; n += 1) overBudget(event(`d${n}`));
    expect(overBudget(event('d10'))?.error).toMatch(/^distinct_id: at most 10 devices.*send it in another request$/u);
  });
});

describe('the pulls of a request', () => {
  const pull = (version: number, puller: number) =>
    event('server', 0, {
      event: 'extension_pulled',
      properties: { extension_name: 'net', version: `2026.08.21.${version}`, username: `u${puller}` },
    }) as FactRecord;
  const judge = async (records: readonly FactRecord[], members = 30) => {
    let looked = 0;
    const findVersion = async (name: string, version: string) => {
      looked += 1;
      const credited = Array.from({ length: members }, (_, n) => aUsername(`m${n}`));
      return version.endsWith('.9') ? undefined : { ...aVersion({ name, version, credited }), writeId: 'w' };
    };
    const judged = await judgePulls({ findVersion }, records);
    const codes = records.map((record) => {
      const found = judged.get(record)!;
      return 'code' in found ? found.code : found.length;
    });
    return { looked, codes };
  };

  it('look each version up once, and write at most 2,000 rows; the rest needs another request', async () => {
    const records = Array.from({ length: 100 }, (_, n) => pull(n % 2, n));
    const { looked, codes } = await judge(records);

    expect(looked).toBe(2);
    expect(codes).toEqual([...Array(66).fill(30), ...Array(34).fill('too_many_devices')]);
  });

  it('cost nothing if they are repeats, or of unknown versions', async () => {
    const records = [
      ...Array(90)
        .fill(0)
        .map(() => pull(9, 1)),
      ...Array(90)
        .fill(0)
        .map(() => pull(0, 1)),
    ];

    expect((await judge(records)).codes).toEqual([...Array(90).fill('unknown_extension'), ...Array(90).fill(30)]);
  });

  it('of versions with one credited account are never too many', async () => {
    const { codes } = await judge(
      Array.from({ length: 2_000 }, (_, n) => pull(0, n)),
      1,
    );

    expect(new Set(codes)).toEqual(new Set([1]));
  });
});

describe('an id that means no device', () => {
  it.each([
    'undefined',
    ' Null ',
    '(null)',
    '0',
    '000',
    '[object Object]',
    'LOCALHOST',
    '--',
    'n/a',
    '""',
    '127.0.0.1',
  ])('is %s', (text) => expect(isPlaceholder(text)).toBe(true));
  it.each(['laptop', 'd0', '1', 'null-1', 'undefined2', 'local', '00000000-0000-0000-0000-000000000001', 'ø'])(
    'is not %s',
    (text) => expect(isPlaceholder(text)).toBe(false),
  );
});
