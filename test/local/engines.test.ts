import { GetItemCommand, PutItemCommand, ResourceNotFoundException } from '@aws-sdk/client-dynamodb';
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { claimPort } from '../../local/engines/claim-port.ts';
import { ENGINES, startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { hasJava, startTestEngine } from '../support/engines.ts';
import { temporaryDirectory } from '../support/stack.ts';

describe('an engine', () => {
  it.for(ENGINES)('gives each test its own tables (%s)', async (engine, { skip }) => {
    skip(engine === 'dynamodb-local' && !hasJava(), 'DynamoDB Local needs Java');
    const testEngine = await startTestEngine({ engine });
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
    await testEngine.stop();
  });

  it('ends on request', async () => {
    const dataDirectory = temporaryDirectory();
    const engine = await startDynamoDbEngine('dynoxide', { dataDirectory });
    await engine.stop();
    await expect(fetch(engine.endpoint)).rejects.toThrow();
    rmSync(dataDirectory, { recursive: true });
  });

  it('gets a port that no other engine gets, and that the system never assigns', async () => {
    const always = () => 0.5;
    const first = await claimPort(always);
    let draws = 0;
    const second = await claimPort(() => (draws++ === 0 ? 0.5 : 0.6));

    expect(first.port).toBeLessThan(32_768);
    expect(second.port).not.toBe(first.port);
    first.release();
    second.release();
  });
});
