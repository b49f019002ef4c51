import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../domain/telemetry/canonical-json.ts';
import {
  deviceIdOf,
  furtherDevicesOf,
  isStandIn,
  isTrustedDevice,
  trustedDeviceIdOf,
} from '../../../domain/telemetry/device-id.ts';
import { kindOf } from '../../../domain/telemetry/event-kind.ts';
import { judgeEvent } from '../../../domain/telemetry/telemetry-event.ts';
import { aUsername, sha256 } from '../../builders/identity.ts';
import { activityOfVersion1 } from '../../builders/rules.ts';
import { aRawEvent, invocationOf, withoutFields } from '../../builders/telemetry.ts';

const now = Date.parse('2026-08-21T12:00:00.000Z');
const judge = (raw: unknown, isTrusted = false) => judgeEvent(raw, { now, isTrusted, sha256 });

describe('an event', () => {
  it.each([
    ['2026-08-21T11:59:59.999Z', '2026-08-21T11'],
    ['2026-08-21T12:00:00.000Z', '2026-08-21T12'],
    ['2026-08-21T00:30:00+01:00', '2026-08-20T23'],
    ['2026-08-20T23:59:59.999Z', '2026-08-20T23'],
    ['2026-08-22T12:00:00.000Z', '2026-08-22T12'],
  ])('of %s belongs to the UTC hour %s', (timestamp, hour) => {
    expect(judge(aRawEvent({ timestamp }))).toMatchObject({ ok: true, value: { hour } });
  });

  it('has its time from `timestamp`, otherwise from `properties.startedAt`', () => {
    const properties = { startedAt: '2026-08-20T01:00:00.000Z' };

    expect(judge(aRawEvent({ properties }))).toMatchObject({ value: { hour: '2026-08-21T11' } });
    expect(judge(withoutFields(aRawEvent({ properties }), 'timestamp'))).toMatchObject({
      value: { hour: '2026-08-20T01' },
    });
  });

  it("is refused with its sender's id", () => {
    expect(judge(aRawEvent({ event: 'NO' }))).toMatchObject({ ok: false, error: { insertId: 'event-1' } });
    expect(judge({ insert_id: 5 })).toMatchObject({ ok: false, error: { insertId: null } });
  });

  it('never throws, and never accepts an invalid time', () => {
    const times = fc.oneof(
      fc.string(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.stringMatching(/^20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d(:[0-6]\d(\.\d{1,9})?)?(Z|[+-][0-2]\d:[0-6]\d)$/),
    );
    const events = fc.oneof(
      fc.jsonValue(),
      fc.record({ event: fc.string(), distinct_id: fc.string(), insert_id: fc.string(), properties: fc.jsonValue() }),
      times.map((timestamp) => aRawEvent({ timestamp })),
      times.map((startedAt) => ({ ...withoutFields(aRawEvent(), 'timestamp'), properties: { startedAt } })),
    );
    fc.assert(
      fc.property(events, (raw) => {
        const judged = judge(raw);
        if (judged.ok && judged.value.type === 'telemetry') {
          expect(judged.value.hour).toMatch(/^2026-0[78]-\d\dT\d\d$/);
        }
      }),
    );
  });
});

describe('the kind of an event', () => {
  const model = { event: 'cli_invocation', command: 'model', success: true };

  it.each<[what: string, properties: unknown, expected: object]>([
    ['its command', invocationOf('model'), model],
    ['an explicit success', invocationOf('model', 'success'), model],
    ['a failure', invocationOf('model', 'error'), { ...model, success: false }],
    ['any other status as a failure', invocationOf('model', 0), { ...model, success: false }],
    ['null as a success, because it means no status', invocationOf('model', null), model],
    ['a command with digits and dashes', invocationOf('a-1'), { ...model, command: 'a-1' }],
    ['no properties', undefined, { ...model, command: 'other' }],
    ['a command in upper case', invocationOf('Model'), { ...model, command: 'other' }],
    ['a command of 33 characters', invocationOf('m'.repeat(33)), { ...model, command: 'other' }],
    ['a sentence', invocationOf('please deploy it'), { ...model, command: 'other' }],
    ['a line break after it', invocationOf('model\n'), { ...model, command: 'other' }],
    ['a number', invocationOf(7), { ...model, command: 'other' }],
    ['__proto__', invocationOf('__proto__'), { ...model, command: 'other' }],
    ['constructor, which is a normal name', invocationOf('constructor'), { ...model, command: 'constructor' }],
    [
      'a command in the prototype',
      JSON.parse('{"__proto__":{"invocation":{"command":"model"}}}'),
      { ...model, command: 'other' },
    ],
  ])('is %s', (_what, properties, expected) => {
    expect(kindOf('cli_invocation', properties, activityOfVersion1)).toEqual(expected);
  });

  it('is only its name, for every other event', () => {
    expect(kindOf('my_event', invocationOf('model', 'error'), activityOfVersion1)).toEqual({
      event: 'my_event',
      command: null,
      success: true,
    });
  });
});

describe('a derived id', () => {
  const idOf = (raw: object) => {
    const judged = judge(withoutFields(raw as ReturnType<typeof aRawEvent>, 'insert_id'));
    return judged.ok ? judged.value.insertId : undefined;
  };

  it('is the same for the same content, and differs for any other content', () => {
    const event = aRawEvent({ properties: { a: [1, { b: null }] } });

    expect(idOf(event)).toBe(idOf({ ...event }));
    expect(idOf(event)).not.toBe(idOf({ ...event, distinct_id: 'device-2' }));
    expect(idOf(event)).not.toBe(idOf({ ...event, properties: { a: [{ b: null }, 1] } }));
    expect(idOf(event)).not.toBe(idOf({ ...event, extra: true }));
  });
});

describe('canonical JSON', () => {
  it('is parsed to the same value, for any order of the keys', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });
});

describe('a device id', () => {
  it('of a client never equals a server’s device or another client’s device', () => {
    const names = fc.stringMatching(/^~{0,3}[a-z+]{1,3}$/);
    fc.assert(
      fc.property(names, names, (a, b) => {
        expect(isStandIn(deviceIdOf(a))).toBe(false);
        expect(deviceIdOf(a) === deviceIdOf(b)).toBe(a === b);
        expect(deviceIdOf(a) < deviceIdOf(b)).toBe(a < b);
      }),
    );
  });

  it('of a server’s reports is one for each username', () => {
    expect(isTrustedDevice(trustedDeviceIdOf(aUsername('ada')))).toBe(true);
    expect(isStandIn(trustedDeviceIdOf(aUsername('ada')))).toBe(true);
  });

  it('of an account’s further devices is its own, and no server’s', () => {
    expect(isTrustedDevice(furtherDevicesOf(aUsername('ada')))).toBe(false);
    expect(isStandIn(furtherDevicesOf(aUsername('ada')))).toBe(true);
  });
});
