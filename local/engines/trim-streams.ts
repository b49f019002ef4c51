import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import type { Checkpoint } from '../events/checkpoints.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;
/** Looked at in one go: the engine waits for it meanwhile. */
const BATCH = 1_000;

const Changes = z.object({ changes: z.number() });
/** SQLITE_BUSY: another process writes. */
const IsBusy = z.object({ errcode: z.literal(5) });

/**
 * Deletes what a stream on AWS would no longer hold: dynoxide keeps every record for good, and reads all of them for each
 * write. Records that a function has not read yet stay, since a stopped laptop is no reason to lose them. So does the
 * newest of a table: the engine numbers the next one after it. Gives how many are gone: none while the engine has the
 * file to itself, which is no fault, and the next round does it.
 */
export function trimStreams(dataDirectory: string, read: readonly Checkpoint[], now: number): number {
  const file = join(dataDirectory, 'dynoxide.db');
  if (!existsSync(file)) return 0;
  const database = new DatabaseSync(file, { timeout: 1_000 });
  try {
    const remove = database.prepare(`
      DELETE FROM _stream_records WHERE id IN (
        SELECT id FROM (SELECT * FROM _stream_records ORDER BY id LIMIT ${BATCH})
        WHERE table_name = :table AND created_at < :before AND CAST(sequence_number AS INTEGER) <= :read
      ) AND id < (SELECT MAX(id) FROM _stream_records WHERE table_name = :table)`);
    const before = Math.floor((now - KEPT_MS) / 1_000);
    let removed = 0;
    for (const [table, of] of Map.groupBy(read, ({ table }) => table)) {
      const slowest = Math.min(...of.map(({ sequenceNumber }) => Number(sequenceNumber)));
      if (Number.isNaN(slowest)) continue; // a shard that is closed: not of this engine
      removed += Changes.parse(remove.run({ table, before, read: slowest })).changes;
    }
    return removed;
  } catch (error) {
    if (IsBusy.safeParse(error).success) return 0;
    throw error;
  } finally {
    database.close();
  }
}
