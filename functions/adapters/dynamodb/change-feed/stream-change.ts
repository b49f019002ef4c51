import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** One committed change of a table, as its stream shows it. */
export type StreamChange = {
  /** The table's name. */
  readonly table: string;
  readonly keys: Record<string, AttributeValue>;
  readonly before: Record<string, AttributeValue> | undefined;
  readonly after: Record<string, AttributeValue> | undefined;
};
