import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

/** The position of a mapping in a shard: the last sequence number that is done. */
export type Checkpoints = {
  read(mapping: string, shard: string): string | undefined;
  write(mapping: string, shard: string, sequenceNumber: string): void;
  /** The positions of all mappings in all shards of a table's stream. */
  all(): readonly Checkpoint[];
  close(): void;
};

export type Checkpoint = { readonly table: string; readonly sequenceNumber: string };

const Row = z.object({ sequence_number: z.string() });
const NamedRow = z.object({ mapping: z.string(), sequence_number: z.string() });

/** Opens checkpoints in a file that survives a kill. `:memory:` stores nothing. */
export function openCheckpoints(file: string): Checkpoints {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(`CREATE TABLE IF NOT EXISTS checkpoints (
    mapping TEXT NOT NULL, shard TEXT NOT NULL, sequence_number TEXT NOT NULL, PRIMARY KEY (mapping, shard)
  )`);
  const select = database.prepare('SELECT sequence_number FROM checkpoints WHERE mapping = ? AND shard = ?');
  const selectAll = database.prepare('SELECT mapping, sequence_number FROM checkpoints');
  const upsert = database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)');
  return {
    read: (mapping, shard) => Row.optional().parse(select.get(mapping, shard))?.sequence_number,
    write: (mapping, shard, sequenceNumber) => void upsert.run(mapping, shard, sequenceNumber),
    all: () =>
      z
        .array(NamedRow)
        .parse(selectAll.all())
        .map((row) => ({ table: row.mapping.split('/')[1] ?? '', sequenceNumber: row.sequence_number })),
    close: () => database.close(),
  };
}
