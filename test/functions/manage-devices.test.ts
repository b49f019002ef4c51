import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anHttpRequest, type RequestDraft } from '../builders/http-request.ts';
import { aUsername } from '../builders/identity.ts';
import { aRawEvent } from '../builders/telemetry.ts';
import { startFunctionEngine, type Answer } from './function-under-test.ts';

let world: Awaited<ReturnType<typeof startFunctionEngine>>;
let manage: (event: unknown) => Promise<Answer>;
let ingest: (event: unknown) => Promise<Answer>;
let admin: string;
let ada: string;
let bob: string;

beforeAll(async () => {
  world = await startFunctionEngine();
  ({ handler: manage } = await import('../../functions/manage-devices/handler.ts'));
  ({ handler: ingest } = await import('../../functions/ingest-telemetry/handler.ts'));
  admin = (await world.aKey({ kind: 'admin' })).key;
  ada = (await world.aKey({ kind: 'personal', username: aUsername('ada') })).key;
  bob = (await world.aKey({ kind: 'personal', username: aUsername('bob') })).key;
});
afterAll(() => world.stop());

const unbind = async (path: string, draft: RequestDraft = {}) => {
  const { statusCode, body } = await manage(anHttpRequest({ key: admin, ...draft, path }));
  return { status: statusCode, body: JSON.parse(body) };
};
const send = async (device: string, key: string, id: string) => {
  const event = aRawEvent({ distinct_id: device, insert_id: id, timestamp: new Date().toISOString() });
  expect((await ingest(anHttpRequest({ key, body: event }))).statusCode).toBe(202);
};
const itemsWith = async (text: string) =>
  (await world.itemsOf(world.tables.telemetry)).filter(({ pk, sk }) => `${pk} ${sk}`.includes(text));

describe('unbinding', () => {
  it('removes the owner and nothing else, and the next authenticated event binds the device', async () => {
    await send('laptop', ada, 'one');
    const hours = (await itemsWith('DEVICE#laptop HOUR')).map(({ events, senders }) => ({ events, senders }));

    expect(await unbind('/v1/devices/laptop/unbind')).toEqual({
      status: 200,
      body: { distinctId: 'laptop', owner: null },
    });
    expect(await itemsWith('DEVICE#laptop DEVICE')).toEqual([expect.not.objectContaining({ owner: 'ada' })]);
    expect(await itemsWith('USER#ada DEVICE#laptop')).toEqual([expect.objectContaining({ owned: false })]);
    expect((await itemsWith('DEVICE#laptop HOUR')).map(({ events, senders }) => ({ events, senders }))).toEqual(hours);

    await send('laptop', bob, 'two');
    expect(await itemsWith('DEVICE#laptop DEVICE')).toEqual([expect.objectContaining({ owner: 'bob' })]);
  });

  it('of a device without an owner, or repeated, has the same answer', async () => {
    await send('desktop', ada, 'one');
    const first = await unbind('/v1/devices/desktop/unbind');

    expect(await unbind('/v1/devices/desktop/unbind')).toEqual(first);
  });

  it.each([
    ['~server', '~server'],
    ['~server', '%7Eserver'],
    ['unbind', 'unbind'],
  ])('finds the device %s at %s', async (device, encoded) => {
    await send(device, ada, 'one');

    expect(await unbind(`/v1/devices/${encoded}/unbind`)).toEqual({
      status: 200,
      body: { distinctId: device, owner: null },
    });
    const marked = device.startsWith('~') ? `~${device}` : device;
    expect(await itemsWith(`USER#ada DEVICE#${marked}`)).toEqual([expect.objectContaining({ owned: false })]);
  });

  it.each([
    ['a/b', ['a/b', 'a//b', 'a%2Fb', 'a%2F%2Fb', 'a%252Fb', '/a//b/']],
    ['über ~ #1', ['%C3%BCber%20~%20%231']],
    ['c', ['c%3F', 'c%3Fd', 'c%23', 'c%20', '%20c', 'c%252520']],
  ])('of the device %s is refused in a path that could mean another one', async (device, paths) => {
    await send(device, ada, 'one');

    for (const path of paths) expect(await unbind(`/v1/devices/${path}/unbind`)).toMatchObject({ status: 404 });
    expect(await itemsWith(`DEVICE#${device} DEVICE`)).toEqual([expect.objectContaining({ owner: 'ada' })]);
  });

  it.each(['never-seen', 'x'.repeat(129), '%00'])('of the unknown device %s is refused', async (device) => {
    expect(await unbind(`/v1/devices/${device}/unbind`)).toMatchObject({
      status: 404,
      body: { code: 'unknown_device' },
    });
  });

  const inBody = (body: unknown) => unbind('/v1/devices/unbind', { body });

  it('accepts any id in a body', async () => {
    await send('of a/b #1', ada, 'one');

    expect(await inBody({ distinct_id: 'of a/b #1' })).toEqual({
      status: 200,
      body: { distinct_id: 'of a/b #1', owner: null },
    });
    expect(await itemsWith('DEVICE#of a/b #1 DEVICE')).toEqual([expect.not.objectContaining({ owner: 'ada' })]);
    expect(await inBody({ distinct_id: 'never/seen' })).toMatchObject({
      status: 404,
      body: { code: 'unknown_device' },
    });
    expect(await inBody({ distinct_id: 'x', too: 'ada' })).toMatchObject({
      status: 422,
      body: { code: 'invalid_body' },
    });
  });

  it('gives a device to another account, and no sender can bind it again', async () => {
    await send('shared', ada, 'one');

    expect(await inBody({ distinct_id: 'shared', to: 'Bob' })).toMatchObject({ status: 200, body: { owner: 'bob' } });
    await send('shared', ada, 'two');
    expect(await itemsWith('DEVICE#shared DEVICE')).toEqual([expect.objectContaining({ owner: 'bob' })]);
  });

  it('gives no device to an account that has as many as are folded', async () => {
    await send('one-too-many', ada, 'one');
    const Item = marshall({ pk: 'USER#carol', sk: 'LINKS', devices: 100 });
    await world.client.send(new PutItemCommand({ TableName: world.tables.telemetry, Item }));

    expect(await inBody({ distinct_id: 'one-too-many', to: 'carol' })).toMatchObject({
      status: 409,
      body: { code: 'too_many_devices', error: expect.stringMatching(/^to: /u) },
    });
    expect(await itemsWith('DEVICE#one-too-many DEVICE')).toEqual([expect.objectContaining({ owner: 'ada' })]);
  });

  it('bars the owner from binding it again, and nobody else', async () => {
    await send('lent', ada, 'one');

    expect(await inBody({ distinct_id: 'lent', bar: true })).toMatchObject({ status: 200, body: { owner: null } });
    await send('lent', ada, 'two');
    expect(await itemsWith('DEVICE#lent DEVICE')).toEqual([expect.not.objectContaining({ owner: 'ada' })]);
    await send('lent', bob, 'three');
    expect(await itemsWith('DEVICE#lent DEVICE')).toEqual([expect.objectContaining({ owner: 'bob' })]);
  });

  it.each([
    'undefined',
    'NULL',
    '0',
    '[object Object]',
    'localhost',
    '00000000-0000-0000-0000-000000000000',
    '-',
    'N/A',
  ])('is not needed for %s: a placeholder id is never bound, and credits nobody', async (placeholder) => {
    await send(placeholder, ada, 'one');

    expect(await itemsWith(`DEVICE#${placeholder} DEVICE`)).toEqual([expect.not.objectContaining({ owner: 'ada' })]);
    expect(await itemsWith(`USER#ada DEVICE#${placeholder}`)).toEqual([]);
    expect(await itemsWith(`DEVICE#${placeholder} HOUR`)).toEqual([expect.not.objectContaining({ senders: ['ada'] })]);
    expect(await inBody({ distinct_id: placeholder, to: 'ada' })).toMatchObject({ status: 422 });
  });

  it('needs the scope of an admin', async () => {
    expect(await unbind('/v1/devices/laptop/unbind', { key: ada })).toMatchObject({
      status: 403,
      body: { code: 'missing_scope' },
    });
    expect(await unbind('/v1/devices/laptop/unbind', { key: undefined })).toMatchObject({ status: 401 });
    expect(await unbind('/v1/devices/laptop/unbind', { method: 'GET' })).toMatchObject({ status: 405 });
  });
});
