import { GetItemCommand, PutItemCommand, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINES, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { startTestEngine, type TestEngine } from '../support/engines.ts';

describe.each(ENGINES)('test engine %s', (engine) => {
  let testEngine: TestEngine;
  beforeAll(async () => {
    testEngine = await startTestEngine({ engine });
  }, 60_000);
  afterAll(() => testEngine.stop());

  it('gives each caller tables of their own', async () => {
    const client = testEngine.client();
    const Item = { pk: { S: 'a' }, sk: { S: 'b' } };
    const mine = await testEngine.createTables();
    const yours = await testEngine.createTables(['telemetry']);

    await client.send(new PutItemCommand({ TableName: mine.telemetry, Item }));

    expect((await client.send(new GetItemCommand({ TableName: yours.telemetry, Key: Item }))).Item).toBeUndefined();
    expect((await client.send(new GetItemCommand({ TableName: mine.telemetry, Key: Item }))).Item).toEqual(Item);
    await expect(client.send(new GetItemCommand({ TableName: 'nobody', Key: Item }))).rejects.toBeInstanceOf(
      ResourceNotFoundException,
    );
  });
});

describe.each(ENGINES)('engine %s', (engine) => {
  it('keeps its data directory to the loopback device and to itself, and ends when asked', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'laurel-engine-'));
    const started = await startDynamoDbEngine(engine, { dataDirectory });
    await started.stop();
    await expect(fetch(started.endpoint)).rejects.toThrow();
    rmSync(dataDirectory, { recursive: true });
  }, 60_000);
});
