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
  it('takes the ownership away and nothing else, and the next authenticated event binds', async () => {
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

  it('again, or of a device that nobody owns, is answered the same', async () => {
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
  ])('of the device %s is refused to paths that could mean another one', async (device, paths) => {
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

  it('takes the scope of an admin', async () => {
    expect(await unbind('/v1/devices/laptop/unbind', { key: ada })).toMatchObject({
      status: 403,
      body: { code: 'missing_scope' },
    });
    expect(await unbind('/v1/devices/laptop/unbind', { key: undefined })).toMatchObject({ status: 401 });
    expect(await unbind('/v1/devices/laptop/unbind', { method: 'GET' })).toMatchObject({ status: 405 });
  });
});
