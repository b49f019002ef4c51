import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import type { Checkpoint } from '../events/checkpoints.ts';

const KEPT_MS = 24 * 60 * 60 * 1000;
/** Records of a table per transaction. The engine waits meanwhile. */
const BATCH = 1_000;

const Changes = z.object({ changes: z.number() });
/** SQLITE_BUSY: another process writes. */
const IsBusy = z.object({ errcode: z.literal(5) });

/**
 * Adds an index to dynoxide's stream records. Each write takes the highest number of its table, and without an index
 * that reads all records. The engine has created its tables when it answers.
 */
export function indexStreamRecords(file: string): void {
  const database = new DatabaseSync(file, { timeout: 60_000 });
  try {
    database.exec(`CREATE INDEX IF NOT EXISTS laurel_stream_records
      ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)`);
  } finally {
    database.close();
  }
}

/**
 * Deletes stream records that AWS would have expired, because dynoxide keeps every record. Records that a function has
 * not read yet are kept, because a stopped laptop must not lose them. The newest record of a table is kept, because the
 * engine continues its numbering. Returns the number of deleted records. It is 0 while the engine has locked the file;
 * a later round deletes them.
 */
export function trimStreams(dataDirectory: string, read: readonly Checkpoint[], now: number): number {
  const file = join(dataDirectory, 'dynoxide.db');
  if (!existsSync(file)) return 0;
  const database = new DatabaseSync(file, { timeout: 1_000 });
  try {
    const remove = database.prepare(`
      DELETE FROM _stream_records WHERE id IN (
        SELECT id FROM (
          SELECT id, created_at FROM _stream_records
          WHERE table_name = :table AND CAST(sequence_number AS INTEGER) <= :read
          ORDER BY CAST(sequence_number AS INTEGER) LIMIT ${BATCH}
        ) WHERE created_at < :before
      ) AND CAST(sequence_number AS INTEGER) <
        (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = :table)`);
    const before = Math.floor((now - KEPT_MS) / 1_000);
    let removed = 0;
    for (const [table, of] of Map.groupBy(read, ({ table }) => table)) {
      const slowest = Math.min(...of.map(({ sequenceNumber }) => Number(sequenceNumber)));
      if (Number.isNaN(slowest)) continue; // a closed shard, which this engine does not have
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
