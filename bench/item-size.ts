import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Readonly<Record<string, AttributeValue>>;

const bytesOf = (text: string): number => Buffer.byteLength(text);
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

/** A sign, an exponent, and one byte per two significant digits. */
const numberSize = (digits: string): number =>
  Math.ceil(digits.replaceAll(/^-?0*|\.|0*$/g, '').length / 2) + 1 + (digits.startsWith('-') ? 1 : 0);

function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return bytesOf(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return value.B.length;
  if (value.SS !== undefined) return sum(value.SS.map(bytesOf));
  if (value.NS !== undefined) return sum(value.NS.map(numberSize));
  if (value.BS !== undefined) return sum(value.BS.map(({ length }) => length));
  if (value.L !== undefined) return 3 + sum(value.L.map((member) => 1 + valueSize(member)));
  if (value.M !== undefined) return 3 + Object.keys(value.M).length + itemSize(value.M);
  return 1; // a boolean or null
}

/** An item's size in bytes, by the rules in the DynamoDB developer guide, "DynamoDB item sizes and formats". */
export const itemSize = (item: Item): number =>
  sum(Object.entries(item).map(([name, value]) => bytesOf(name) + valueSize(value)));

const BYTES_PER_WRITE_UNIT = 1_024;
export const BYTES_PER_READ_UNIT = 4_096;

/** The write units for an item of this size. A write whose condition fails costs the same. */
export const writeUnitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / BYTES_PER_WRITE_UNIT));
