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

/** `LAUREL_WHOLE_YEAR=1`: the sample's year of 120 people, which takes minutes. */
const isYear = process.env.LAUREL_WHOLE_YEAR === '1';
if (isYear) vi.setConfig({ testTimeout: 30 * 60_000 });

it('an import is the same if it is killed at every batch once', async () => {
  const { events, collectives } = makeCommunity(
    isYear ? { people: 120, days: 365, seed: 7 } : { people: 6, days: 60, seed: 7 },
  );
  // Laurel does not store the padding, but a request holds fewer events.
  const padding = 'x'.repeat(28_000);
  const withPadding = (each: any) => ({ ...each, properties: { ...each.properties, padding } });
  const padded = isYear ? events : events.map(withPadding);
  const [stack, other] = [await startTestStack(), await startTestStack()];
  for (const each of [stack, other]) {
    onTestFinished(() => each.stop());
    each.publish();
  }
  const files = new Map([stack, other].map((world, n) => [world, written(`killed-${n}.ndjson`, padded)]));
  for (const { adminKey, baseUrl } of [stack, other]) {
    const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
    for (const [slug, members] of Object.entries(collectives)) {
      const body = JSON.stringify({ members });
      await fetch(`${baseUrl}/v1/collectives/${slug}`, { method: 'PUT', headers, body });
    }
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
  if (isYear) process.stderr.write(`${events.length} events in ${batches} batches\n`);
  // Ranks are those of the last board, which each stack builds by a schedule of its own.
  const stateOf = async ({ drain, baseUrl }: TestStack) => {
    await drain();
    const people = new Set(events.map(({ properties }: any) => properties.username).filter(Boolean));
    const isOfRun = (name: string) => /^(?:accountId|refreshedAt|foldedAt|reachedAt|rank|asOf)$/u.test(name);
    const plain = (name: string, value: unknown) => (isOfRun(name) ? undefined : value);
    const get = async (path: string) => JSON.parse(await (await send(baseUrl + path)).text(), plain);
    const all = [];
    for (const name of people) {
      all.push(await get(`/v1/scores/${name}`), await get(`/v1/stats?username=${name}`));
      all.push(await get(`/v1/scores/${name}/history`));
    }
    return [...all, await get('/community-metrics/extensions?page_size=2000&sort=versions')];
  };
  expect(await stateOf(stack)).toEqual(await stateOf(other));
});
