import { describe, expect, it } from 'vitest';
import type { Credential } from '../../../domain/identity/credential.ts';
import { isPlaceholder } from '../../../domain/telemetry/device-id.ts';
import { judgeEvent, type AcceptableEvent } from '../../../domain/telemetry/telemetry-event.ts';
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

  it('covers what comes later of a device and an hour that are paid for', () => {
    const events = Array.from({ length: 12 }, (_, n) => event(`d${n}`));
    expect(codes(undefined, [...events, event('d0'), event('d0', 1)]).slice(-4)).toEqual([
      'too_many_devices',
      'too_many_devices',
      'stored',
      'stored',
    ]);
  });

  it('counts an account that a server reports for as a device, whatever sent it', () => {
    const reports = Array.from({ length: 501 }, (_, n) =>
      event('server', 0, { event: 'daily_sign_in', properties: { username: `u${n}` } }),
    );
    expect(codes(keyOf('service'), reports).slice(-2)).toEqual(['stored', 'too_many_devices']);
  });

  it('names what to do', () => {
    const overBudget = spend(undefined);
    for (let n = 0; n < 10; n += 1) overBudget(event(`d${n}`));
    expect(overBudget(event('d10'))?.error).toMatch(/^distinct_id: at most 10 devices.*send it in another request$/u);
  });
});

describe('an id that stands for no device', () => {
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
