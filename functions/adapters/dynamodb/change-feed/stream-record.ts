import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import * as z from 'zod/mini';
import type { Item } from '../shared/item.ts';

/** Binary values reach a Lambda as base64 text; everything else as the SDK has it. */
const Bytes = z.pipe(
  z.string(),
  z.transform((base64) => new Uint8Array(Buffer.from(base64, 'base64'))),
);
const Attribute: z.ZodMiniType<AttributeValue> = z.lazy(() =>
  z.union([
    z.object({ S: z.string() }),
    z.object({ N: z.string() }),
    z.object({ BOOL: z.boolean() }),
    z.object({ NULL: z.literal(true) }),
    z.object({ B: Bytes }),
    z.object({ SS: z.array(z.string()) }),
    z.object({ NS: z.array(z.string()) }), // no item has one unless a hand put it there
    z.object({ BS: z.array(Bytes) }),
    z.object({ L: z.array(Attribute) }),
    z.object({ M: z.record(z.string(), Attribute) }),
  ]),
);
const Image = z.record(z.string(), Attribute);
/** DynamoDB itself has deleted an expired item. */
const Expiry = z.object({ type: z.literal('Service'), principalId: z.literal('dynamodb.amazonaws.com') });
const StreamRecord = z.object({
  userIdentity: z.optional(z.unknown()),
  dynamodb: z.object({
    Keys: Image,
    OldImage: z.optional(Image),
    NewImage: z.optional(Image),
  }),
});

/** One committed change of a table, as its stream shows it. */
export type StreamChange = {
  /** The table's name. */
  readonly table: string;
  readonly keys: Item;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
  /** Whether the item has expired: nobody has changed anything. */
  readonly isExpiry?: boolean;
};

/** Hands the change in a record of a table's stream to `read`. Throws on a record of another form. */
export function readStreamRecord<Change>(
  { table, record }: { readonly table: string; readonly record: unknown },
  read: (change: StreamChange) => Change,
): Change {
  const { dynamodb, userIdentity } = StreamRecord.parse(record);
  const { Keys: keys, OldImage: before, NewImage: after } = dynamodb;
  return read({ table, keys, before, after, isExpiry: Expiry.safeParse(userIdentity).success });
}
