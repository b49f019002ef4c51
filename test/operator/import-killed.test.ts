import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, onTestFinished, vi } from 'vitest';
import { makeCommunity } from '../../examples/make-community.ts';
import { operate } from '../support/operator.ts';
import { startTestStack, temporaryDirectory, type TestStack } from '../support/stack.ts';

const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const written = (name: string, events: readonly object[]): string => {
  const path = join(directory, name);
  writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  return path;
};

it('an import is the same if it is killed at every batch once', async () => {
  const { events, collectives } = makeCommunity({ people: 6, days: 60, seed: 7 });
  // Laurel does not store the padding, but a request holds fewer events.
  const padding = 'x'.repeat(28_000);
  const padded = events.map((each: any) => ({ ...each, properties: { ...each.properties, padding } }));
  const [stack, other] = [await startTestStack(), await startTestStack()];
  for (const each of [stack, other]) {
    onTestFinished(() => each.stop());
    each.publish();
  }
  const files = new Map([stack, other].map((world, n) => [world, written(`killed-${n}.ndjson`, padded)]));
  for (const { adminKey, baseUrl } of [stack, other]) {
    const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
    const body = JSON.stringify({ members: collectives.weavers });
    await fetch(`${baseUrl}/v1/collectives/weavers`, { method: 'PUT', headers, body });
  }
  let requests = 0;
  let killed = { at: 0, isUnsent: false };
  const send = globalThis.fetch;
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    if (!new Request(url).url.endsWith('/v1/import')) return send(url, init);
    requests += 1;
    const isKilled = requests === killed.at;
    // The command ends before the batch is sent, or before it hears that the batch is stored.
    const answer = isKilled && killed.isUnsent ? undefined : await send(url, init);
    return isKilled ? Response.json({ error: 'Killed', code: 'killed' }, { status: 400 }) : answer!;
  });
  onTestFinished(() => spy.mockRestore());
  const importInto = async (world: TestStack, at = 0, isUnsent = false) => {
    [requests, killed] = [0, { at, isUnsent }];
    return (await operate(world.dataDirectory, 'import', files.get(world)!, '--yes')).said;
  };

  expect(await importInto(other)).toMatchObject({ done: true, refused: 0 });
  const batches = requests;
  expect(batches).toBeGreaterThan(2);
  for (let batch = 1; batch <= batches; batch += 1) {
    // Each run but the first begins with the batch that the one before it was killed at.
    expect(await importInto(stack, batch === 1 ? 1 : 2, batch % 2 === 0)).toMatchObject({ code: 'killed' });
  }
  expect(await importInto(stack)).toMatchObject({ done: true, lines: events.length, refused: 0 });
  const again = { accepted: 0, duplicates: events.length, refused: 0 };
  expect(await importInto(stack)).toMatchObject(again);
  // Ranks are those of the last board, which each stack builds by a schedule of its own.
  const stateOf = async ({ drain, baseUrl }: TestStack) => {
    await drain();
    const people = new Set(events.map(({ properties }: any) => properties.username).filter(Boolean));
    const isOfRun = (name: string) => /^(?:accountId|refreshedAt|foldedAt|reachedAt|rank|asOf)$/u.test(name);
    const plain = (name: string, value: unknown) => (isOfRun(name) ? undefined : value);
    const get = async (path: string) => JSON.parse(await (await send(baseUrl + path)).text(), plain);
    const paths = [...people].flatMap((name) => [`/v1/scores/${name}`, `/v1/stats?username=${name}`]);
    return await Promise.all(paths.map(get));
  };
  expect(await stateOf(stack)).toEqual(await stateOf(other));
});
