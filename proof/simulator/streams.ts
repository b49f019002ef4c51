import type { WireRecord } from './engine.ts';

/** A record of a table's stream that waits for its announcement. */
export type Change = { readonly number: number; readonly record: WireRecord; tries: number };

/** The stream of one table: records of the engine, with the times of the schedule. */
export class Stream {
  readonly table: string;
  readonly #arn: string;
  #read = 0;
  waiting: Change[] = [];
  /** Given up after all tries: an operator has to look at them. */
  readonly givenUp: Change[] = [];
  /** All records, in order. */
  readonly log: WireRecord[] = [];

  constructor(table: string) {
    this.table = table;
    this.#arn = `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/now`;
  }

  add(records: readonly WireRecord[], now: number): void {
    for (const { dynamodb, ...rest } of records) {
      this.#read += 1;
      const ApproximateCreationDateTime = Math.floor(now / 1_000);
      const SequenceNumber = String(this.#read).padStart(9, '0');
      const placed = { ...dynamodb, ApproximateCreationDateTime, SequenceNumber };
      const record = { ...rest, eventSourceARN: this.#arn, dynamodb: placed };
      this.log.push(record);
      this.waiting.push({ number: this.#read, record, tries: 0 });
    }
  }
}
