import { PRICES } from './prices.ts';

/** The billed resources. */
export type Consumption = {
  readonly apiRequests: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly queueRequests: number;
  readonly logBytes: number;
  /** Bytes of facts that stay, with those of the index and what DynamoDB adds to each item. */
  readonly storedBytes: number;
};

export const nothingUsed: Consumption = {
  ...{ apiRequests: 0, invocations: 0, gbSeconds: 0 },
  ...{ writeUnits: 0, readUnits: 0, queueRequests: 0 },
  ...{ logBytes: 0, storedBytes: 0 },
};

export type Bill = {
  readonly api: number;
  readonly lambda: number;
  readonly dynamodb: number;
  readonly sqs: number;
  readonly logs: number;
  /** Of one month, with its backup. */
  readonly storage: number;
};

const GIGABYTE = 1e9;

/** The bill in US dollars. */
export const billOf = (used: Consumption): Bill => ({
  api: used.apiRequests * PRICES.apiRequest,
  lambda: used.invocations * PRICES.lambdaRequest + used.gbSeconds * PRICES.lambdaGbSecond,
  dynamodb: used.writeUnits * PRICES.writeRequestUnit + used.readUnits * PRICES.readRequestUnit,
  sqs: used.queueRequests * PRICES.queueRequest,
  logs: (used.logBytes / GIGABYTE) * PRICES.logGigabyte,
  storage: (used.storedBytes / GIGABYTE) * (PRICES.storedGigabyteMonth + PRICES.backupGigabyteMonth),
});

export const sumOf = (bill: Bill): number => Object.values(bill).reduce((sum, each) => sum + each, 0);

export const scaled = (used: Consumption, factor: number): Consumption => ({
  apiRequests: used.apiRequests * factor,
  invocations: used.invocations * factor,
  gbSeconds: used.gbSeconds * factor,
  writeUnits: used.writeUnits * factor,
  readUnits: used.readUnits * factor,
  queueRequests: used.queueRequests * factor,
  logBytes: used.logBytes * factor,
  storedBytes: used.storedBytes * factor,
});

export const together = (a: Consumption, b: Consumption): Consumption => ({
  apiRequests: a.apiRequests + b.apiRequests,
  invocations: a.invocations + b.invocations,
  gbSeconds: a.gbSeconds + b.gbSeconds,
  writeUnits: a.writeUnits + b.writeUnits,
  readUnits: a.readUnits + b.readUnits,
  queueRequests: a.queueRequests + b.queueRequests,
  logBytes: a.logBytes + b.logBytes,
  storedBytes: a.storedBytes + b.storedBytes,
});

/** With so much memory, a function has a processor; with less, a part of it. AWS Lambda developer guide, "memory" */
const MEMORY_OF_A_PROCESSOR_MB = 1_769;
/** AWS promises a single-digit number of milliseconds. */
const WAIT_OF_A_CALL_MS = 3;

/**
 * What Lambda charges for an invocation: CPU time of a processor like this machine's, and calls that wait for each
 * other.
 */
export function gbSecondsOfOne(of: {
  readonly memoryMb: number;
  readonly cpuMs: number;
  readonly waits: number;
}): number {
  const share = Math.min(1, of.memoryMb / MEMORY_OF_A_PROCESSOR_MB);
  const milliseconds = Math.ceil(of.cpuMs / share + of.waits * WAIT_OF_A_CALL_MS);
  return (of.memoryMb / 1_024) * (milliseconds / 1_000);
}

/** When something ran, in milliseconds. */
export type Span = { readonly from: number; readonly to: number };

/** The largest number of calls that ran one after the other. Each other call ran at the same time as one of these. */
export function waitsOf(calls: readonly Span[]): number {
  let waits = 0;
  let end = -Infinity;
  for (const { from, to } of calls.toSorted((a, b) => a.to - b.to)) {
    if (from < end) continue;
    waits += 1;
    end = to;
  }
  return waits;
}
