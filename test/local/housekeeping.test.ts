import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { appendFileSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { startDynamoDbEngine } from '../../local/engines/dynamodb-engine.ts';
import { createTable } from '../../local/engines/tables.ts';
import { trimStreams } from '../../local/engines/stream-records.ts';
import { explanationOf } from '../../local/explained-error.ts';
import { shorten } from '../../local/housekeeping.ts';
import { startTestStack, temporaryDirectory } from '../support/stack.ts';
import { aTable, tinyAssembly } from './tiny-stack.ts';

const directory = temporaryDirectory();
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('a log', () => {
  it('that is too long is truncated while its writer has it open, and its last part is kept', () => {
    const log = join(directory, 'worker.log');
    const hand = openSync(log, 'a');
    writeSync(hand, 'long enough\n');
    shorten(log, 8);
    writeSync(hand, 'short\n');
    shorten(log, 8);

    expect(readFileSync(log, 'utf8')).toBe('short\n');
    expect(readFileSync(`${log}.old`, 'utf8')).toBe('long enough\n');
  });

  it('is shortened while the stack runs', async () => {
    const stack = await startTestStack({ assembly: tinyAssembly({}).assembly });
    const log = join(stack.dataDirectory, 'logs', 'engine.log');
    appendFileSync(log, 'x'.repeat(9 * 1024 * 1024));
    await expect.poll(() => statSync(log).size, { timeout: 600_000 }).toBeLessThan(1024);
    await stack.stop();
  });
});

describe('a full disk', () => {
  it('ends a running stack with a sentence, and prevents a start', async () => {
    let free = 1024 ** 3;
    const { assembly } = tinyAssembly({});
    const stack = await startTestStack({ assembly, freeBytes: () => free });
    free = 0;
    expect((await stack.failed).message).toMatch(/^The disk that holds .* is full: free some space/u);
    await stack.stop();
    await expect(startTestStack({ assembly, freeBytes: () => free })).rejects.toThrow('is full');
  });
});

describe('a data directory that is gone', () => {
  it('ends a running stack', async () => {
    const stack = await startTestStack({ assembly: tinyAssembly({}).assembly });
    rmSync(stack.dataDirectory, { recursive: true });
    expect(explanationOf(await stack.failed, stack.dataDirectory)).toContain('cannot be used');
    await stack.stop();
  });
});

describe("the engine's stream records", () => {
  it('that are read and older than a day are deleted, and the numbers continue', async () => {
    const dataDirectory = join(directory, 'dynoxide');
    const engine = await startDynamoDbEngine('dynoxide', { dataDirectory });
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new DynamoDBClient({ endpoint: engine.endpoint, region: 'us-east-1', credentials });
    const { Properties } = aTable('facts', { StreamSpecification: { StreamViewType: 'NEW_IMAGE' } });
    const definition = { GlobalSecondaryIndexes: [], ...Properties } as never;
    await createTable(client, { name: 'facts', definition, timeToLiveAttribute: undefined });
    const put = (pk: string) =>
      client.send(new PutItemCommand({ TableName: 'facts', Item: { pk: { S: pk }, sk: { S: 'x' } } }));
    for (const pk of ['1', '2', '3', '4']) await put(pk);
    const ask = (sql: string) => {
      const database = new DatabaseSync(join(dataDirectory, 'dynoxide.db'));
      const rows = database.prepare(sql).all();
      database.close();
      return rows;
    };
    const numbers = () =>
      ask('SELECT sequence_number FROM _stream_records ORDER BY id').map(({ sequence_number: number }) =>
        Number(number),
      );
    const nextNumber = "SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 'facts'";
    expect(ask(`EXPLAIN QUERY PLAN ${nextNumber}`)[0]?.detail).toContain('USING COVERING INDEX'); // each put asks this
    const read = (sequenceNumber: string) => ({ table: 'facts', sequenceNumber });
    const tomorrow = Date.now() + 25 * 3_600_000;

    expect(trimStreams(dataDirectory, [read('4')], Date.now())).toBe(0); // younger
    expect(trimStreams(dataDirectory, [], tomorrow)).toBe(0); // nobody has read them
    expect(trimStreams(dataDirectory, [read('0')], tomorrow)).toBe(0); // not yet
    const writer = new DatabaseSync(join(dataDirectory, 'dynoxide.db'));
    writer.exec('BEGIN EXCLUSIVE');
    expect(trimStreams(dataDirectory, [read('4')], tomorrow)).toBe(0); // the engine is in the middle of a write
    writer.exec('ROLLBACK');
    writer.close();
    expect(trimStreams(dataDirectory, [read('4'), read('2')], tomorrow)).toBe(2); // the slower reader decides
    expect(numbers()).toEqual([3, 4]);
    expect(trimStreams(dataDirectory, [read('4')], tomorrow)).toBe(1);
    await put('5');
    expect(numbers()).toEqual([4, 5]);
    client.destroy();
    await engine.stop();
  });
});
