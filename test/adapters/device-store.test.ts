import { BatchWriteItemCommand, PutItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DeviceHour } from '../../domain/telemetry/device-hour.ts';
import { MAX_DEVICES } from '../../domain/telemetry/device-id.ts';
import type { DeviceStore } from '../../domain/telemetry/device-store.port.ts';
import type { UserTelemetry } from '../../domain/telemetry/user-telemetry.port.ts';
import { dynamoDeviceStore } from '../../functions/adapters/dynamodb/telemetry/device-store.ts';
import { dynamoUserTelemetry } from '../../functions/adapters/dynamodb/telemetry/user-telemetry.ts';
import { aChunk, anEntry } from '../builders/device-hour.ts';
import { aUsername } from '../builders/identity.ts';
import { onBothEngines } from '../support/on-both-engines.ts';

const AT = '2026-08-21T12:00:00.000Z';
const LATER = '2026-08-21T13:00:00.000Z';
const HOUR = '2026-08-21T12';
const chance = { random: () => 0.5, sleep: async () => {} };
const [ada, bob] = [aUsername('ada'), aUsername('bob')];

onBothEngines('devices and their events', (engine) => {
  let client: DynamoDBClient;
  let table: string;
  let store: DeviceStore;
  let telemetry: UserTelemetry;
  beforeAll(async () => {
    client = engine().client();
    table = (await engine().createTables(['telemetry'])).telemetry;
    let tokens = 0;
    const randomToken = () => `token-${(tokens += 1)}`;
    store = dynamoDeviceStore(client, table, { ...chance, randomToken });
    telemetry = dynamoUserTelemetry(client, table);
  });

  let device = '';
  let devices = 0;
  beforeEach(() => {
    devices += 1;
    device = `device #${devices} ~ über`;
  });
  const hoursOf = async (...args: Parameters<UserTelemetry['hoursOf']>) => {
    const found: DeviceHour[] = [];
    for await (const hour of telemetry.hoursOf(...args)) found.push(hour);
    return found;
  };

  it('know a registered device, without an owner', async () => {
    expect(await store.find(device)).toBeUndefined();
    await store.register(device, AT);
    await store.register(device, LATER);

    expect(await store.find(device)).toEqual({ deviceId: device, createdAt: AT });
  });

  it('are as old as the earliest time that is told of them, in any order', async () => {
    const earlier = '2025-08-21T11:00:00.000Z';
    const age = async () => (await store.lastSeen(device))?.createdAt;
    await store.seenBefore(device, earlier);
    expect(await age()).toBeUndefined();

    await store.register(device, AT);
    await store.seenBefore(device, LATER);
    expect(await age()).toBe(AT);
    await store.seenBefore(device, earlier);
    await store.seenBefore(device, AT);
    expect(await age()).toBe(earlier);
  });

  it.each(['an unknown', 'a registered'])('bind %s device to the first username only, with its link', async (kind) => {
    const [first, second] = [aUsername(`first-${devices}`), aUsername(`second-${devices}`)];
    if (kind === 'a registered') await store.register(device, AT);

    expect(await store.bind(device, first, AT)).toBe('bound');
    expect(await store.bind(device, second, LATER)).toBe('already-owned');

    expect(await store.find(device)).toMatchObject({ deviceId: device, owner: first });
    expect(await telemetry.linksOf(first)).toEqual([{ deviceId: device, owned: true }]);
    expect(await telemetry.linksOf(second)).toEqual([]);
  });

  it('let one of many binders win', async () => {
    const users = Array.from({ length: 10 }, (_, n) => aUsername(`racer-${devices}-${n}`));

    const outcomes = await Promise.all(users.map((user) => store.bind(device, user, AT)));

    expect(outcomes.filter((outcome) => outcome === 'bound')).toHaveLength(1);
    const links = await Promise.all(users.map((user) => telemetry.linksOf(user)));
    const winner = users[outcomes.indexOf('bound')]!;
    expect((await store.find(device))?.owner).toBe(winner);
    expect(links.flat()).toHaveLength(1);
  });

  it('unbind a device only from the owner that was read', async () => {
    await store.bind(device, ada, AT);

    expect(await store.unbind(device, bob)).toBe('not-theirs');
    expect(await store.find(device)).toMatchObject({ deviceId: device, owner: ada });
    expect(await store.unbind(device, ada)).toBe('unbound');
    expect(await store.find(device)).toMatchObject({ deviceId: device, lastOwner: ada });
    expect(await store.unbind(device, ada)).toBe('not-theirs');
    expect(await telemetry.linksOf(ada)).toContainEqual({ deviceId: device, owned: false });
    expect(await telemetry.linksOf(bob)).not.toContainEqual(expect.objectContaining({ deviceId: device }));
  });

  it('give a device to another account, and bar its old owner forever', async () => {
    await store.bind(device, ada, AT);

    expect(await store.unbind(device, ada, { to: { username: bob, at: AT }, bar: ada })).toBe('unbound');
    expect(await store.find(device)).toMatchObject({ deviceId: device, owner: bob, lastOwner: ada, barred: [ada] });
    expect(await telemetry.linksOf(ada)).toContainEqual({ deviceId: device, owned: false });
    expect(await telemetry.linksOf(bob)).toContainEqual({ deviceId: device, owned: true });

    expect(await store.unbind(device, undefined, { to: { username: ada, at: AT } })).toBe('not-theirs');
    expect(await store.unbind(device, bob)).toBe('unbound');
    expect(await store.bind(device, ada, AT)).toBe('already-owned');
    expect(await store.bind(device, bob, AT)).toBe('bound');
  });

  it('turn a link into a bound link, and never back', async () => {
    const user = aUsername(`linked-${devices}`);
    expect(await store.isLinked(device, user)).toBe(false);
    await store.link(device, user);
    expect(await telemetry.linksOf(user)).toEqual([{ deviceId: device, owned: false }]);

    await store.bind(device, user, AT);
    await store.link(device, user);
    const late = dynamoDeviceStore(client, table, { ...chance, randomToken: () => 'late' }, async () => undefined);
    expect(await late.link(device, user)).toBe('linked'); // it has read before the bind

    expect(await store.isLinked(device, user)).toBe(true);
    expect(await telemetry.linksOf(user)).toEqual([{ deviceId: device, owned: true }]);
  });

  describe('of an account with almost as many devices as are folded', () => {
    let user: ReturnType<typeof aUsername>;
    beforeEach(async () => {
      user = aUsername(`full-${devices}`);
      const Item = marshall({ pk: `USER#${user}`, sk: 'LINKS', devices: MAX_DEVICES - 2 });
      await client.send(new PutItemCommand({ TableName: table, Item }));
    });
    const seen = (deviceIds: readonly string[]) => deviceIds.map((deviceId) => ({ deviceId, at: AT }));
    const linked = async () => (await telemetry.linksOf(user)).map(({ deviceId }) => deviceId);

    it('bind and link up to the bound, and count no device twice', async () => {
      expect(await store.bind(`${device}-1`, user, AT)).toBe('bound');
      expect(await store.link(`${device}-1`, user)).toBe('linked');
      expect(await store.link(`${device}-2`, user)).toBe('linked');
      expect(await store.link(`${device}-3`, user)).toBe('full');
      expect(await store.bind(`${device}-3`, user, AT)).toBe('full');

      expect(await store.bind(`${device}-2`, user, AT)).toBe('bound');
      for (const standIn of [`~${user}`, `~+${user}`]) expect(await store.link(standIn, user)).toBe('linked');
      expect(new Set(await linked())).toEqual(new Set([`${device}-1`, `${device}-2`, `~${user}`, `~+${user}`]));
      expect(await store.find(`${device}-3`)).toBeUndefined();
    });

    it('bind several together where there is room for all, and none where there is not', async () => {
      const ids = [1, 2, 3].map((n) => `${device}-${n}`);
      expect(await store.bindTogether(seen(ids), user)).toBe(false);
      expect(await linked()).toEqual([]);
      expect(await store.bindTogether(seen(ids.slice(0, 2)), user)).toBe(true);
      expect(await store.bind(ids[2]!, user, AT)).toBe('full');
    });

    it('bind none together where one has an owner', async () => {
      await store.bind(`${device}-1`, ada, AT);
      expect(await store.bindTogether(seen([`${device}-1`, `${device}-2`]), user)).toBe(false);
      expect(await linked()).toEqual([]);
    });

    it('let as many of many binders in as there is room for', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          n % 2 === 0 ? store.bind(`${device}-${n}`, user, AT) : store.link(`${device}-${n}`, user),
        ),
      );

      expect(outcomes.filter((outcome) => outcome === 'full')).toHaveLength(6);
      expect(await linked()).toHaveLength(2);
    });

    it('are given to it up to the bound', async () => {
      await store.bind(device, ada, AT);
      for (const n of [1, 2]) await store.bind(`${device}-${n}`, user, AT);

      expect(await store.unbind(device, ada, { to: { username: user, at: AT } })).toBe('full');
      expect(await store.find(device)).toMatchObject({ deviceId: device, owner: ada });
      expect(await store.unbind(`${device}-1`, user, { to: { username: ada, at: AT } })).toBe('unbound');
      expect(await store.unbind(`${device}-1`, ada, { to: { username: user, at: AT } })).toBe('unbound');
    });
  });

  it('that were linked before the bound are followed up to 200, those that stand in for others first', async () => {
    const user = aUsername(`older-${devices}`);
    const items = [...Array.from({ length: 201 }, (_, n) => `d${n}`), `~${user}`, `~+${user}`].map((id) => ({
      PutRequest: { Item: marshall({ pk: `USER#${user}`, sk: `DEVICE#${id}`, owned: true }) },
    }));
    for (let from = 0; from < items.length; from += 25) {
      const RequestItems = { [table]: items.slice(from, from + 25) };
      await client.send(new BatchWriteItemCommand({ RequestItems }));
    }

    const links = (await telemetry.linksOf(user)).map(({ deviceId }) => deviceId);
    expect(links).toHaveLength(200);
    expect(links).toEqual(expect.arrayContaining([`~${user}`, `~+${user}`]));
  });

  it('that stand for no device are not followed, though older code bound them', async () => {
    const user = aUsername('null');
    for (const id of ['undefined', 'null', '0', '[object Object]', 'localhost', '--', '~~null', 'real', '~null']) {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: marshall({ pk: `USER#${user}`, sk: `DEVICE#${id}`, owned: true }),
        }),
      );
    }

    expect((await telemetry.linksOf(user)).map(({ deviceId }) => deviceId)).toEqual(['real', '~null']);
  });

  it('store a chunk as given, with the next revision', async () => {
    const events = [
      anEntry('1', { command: 'model', success: false }),
      anEntry('2', { command: 'model' }, ada),
      anEntry('3', { event: 'constructor' }, bob),
    ];
    expect(await store.chunksOf(device, HOUR)).toEqual([]);

    expect(await store.saveChunk(device, HOUR, aChunk({ events, closed: true }))).toBe('saved');
    expect(await store.saveChunk(device, HOUR, aChunk({ index: 1, events: events.slice(0, 1) }))).toBe('saved');

    expect(await store.chunksOf(device, HOUR)).toEqual([
      { index: 0, revision: 1, closed: true, events },
      { index: 1, revision: 1, closed: false, events: events.slice(0, 1) },
    ]);
    expect(await store.chunksOf(device, '2026-08-21T1')).toEqual([]);
    expect(await store.chunksOf(`${device}x`, HOUR)).toEqual([]);
  });

  it('refuse a chunk that was decided on another revision', async () => {
    const chunk = aChunk({ events: [anEntry('1')] });
    await store.saveChunk(device, HOUR, chunk);

    expect(await store.saveChunk(device, HOUR, chunk)).toBe('stale');
    expect(await store.saveChunk(device, HOUR, { ...chunk, revision: 1 })).toBe('saved');
    expect(await store.saveChunk(device, HOUR, { ...chunk, revision: 1 })).toBe('stale');
    expect(await store.saveChunk(device, HOUR, { ...chunk, index: 1, revision: 1 })).toBe('stale');
    expect((await store.chunksOf(device, HOUR)).map(({ revision }) => revision)).toEqual([2]);
  });

  it('let one of many writers of a revision win', async () => {
    const chunks = Array.from({ length: 20 }, (_, n) => aChunk({ events: [anEntry(`${n}`)] }));

    const outcomes = await Promise.all(chunks.map((chunk) => store.saveChunk(device, HOUR, chunk)));

    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    const [stored] = await store.chunksOf(device, HOUR);
    expect(stored?.events).toEqual(chunks[outcomes.indexOf('saved')]?.events);
  });

  it('return the complete hours of a device in order, for the requested dates', async () => {
    const save = (hour: string, index: number, ...ids: string[]) =>
      store.saveChunk(device, hour, aChunk({ index, closed: true, events: ids.map((id) => anEntry(id)) }));
    await store.bind(device, aUsername(`hours-${devices}`), AT);
    await save('2026-08-22T00', 0, 'd');
    await save('2026-08-21T23', 0, 'b');
    await save('2026-08-21T23', 1, 'c');
    await save('2026-08-20T00', 0, 'a');

    const found = await hoursOf(device);
    expect(found.map(({ hour }) => hour)).toEqual(['2026-08-20T00', '2026-08-21T23', '2026-08-22T00']);
    expect(found[1]).toMatchObject({ deviceId: device, hour: '2026-08-21T23', events: [anEntry('b'), anEntry('c')] });
    const of = async (from: string, to: string) => (await hoursOf(device, { from, to })).map(({ hour }) => hour);
    expect(await of('2026-08-21', '2026-08-21')).toEqual(['2026-08-21T23']);
    expect(await of('2026-08-20', '2026-08-21')).toEqual(['2026-08-20T00', '2026-08-21T23']);
    expect(await of('2026-08-23', '2026-08-30')).toEqual([]);
  });

  it('page to the end of the items', async () => {
    const user = aUsername(`many-${devices}`);
    const padding = 'x'.repeat(300_000); // four such items fill a page of 1 MB
    for (let n = 0; n < 10; n += 1) {
      const key = { pk: `USER#${user}`, sk: `DEVICE#device-${n}` };
      await client.send(new PutItemCommand({ TableName: table, Item: marshall({ ...key, owned: false, padding }) }));
    }

    expect(await telemetry.linksOf(user)).toHaveLength(10);
  });

  it('refuse to read items that they did not write', async () => {
    const put = (item: object) => client.send(new PutItemCommand({ TableName: table, Item: marshall(item) }));
    await put({
      pk: `DEVICE#${device}`,
      sk: `HOUR#${HOUR}#0000`,
      rev: 1,
      events: new Uint8Array(11),
      kinds: [],
      writeId: '',
    });
    await put({
      pk: `DEVICE#${device}`,
      sk: `HOUR#2026-08-21T13#0000`,
      rev: 1,
      events: new Uint8Array(10),
      kinds: [],
      writeId: '',
    });

    await expect(store.chunksOf(device, HOUR)).rejects.toThrow();
    await expect(store.chunksOf(device, '2026-08-21T13')).rejects.toThrow();
  });
});
