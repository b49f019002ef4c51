import { createHash } from 'node:crypto';

/** With this much memory a function has one processor; with less, a share of one. */
const MEGABYTES_A_PROCESSOR = 1_769;
/** The assumed time of the yardstick on one processor of Lambda, about twice that of a current machine. */
const YARDSTICK_MS = 50;

/** The kind of work that functions do: JSON and hashes. */
function yardstick(): void {
  const text = JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ n, of: `text ${n}` })));
  for (let n = 0; n < 400; n += 1)
    createHash('sha256')
      .update(JSON.stringify(JSON.parse(text)))
      .digest('hex');
}

/** Milliseconds of CPU that some work takes in this process. */
async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/**
 * Seconds that some work takes on Lambda, with the share of a processor that the memory gives. It is measured as CPU, in
 * units of the yardstick before and after it: a busy machine makes both slower.
 */
export async function secondsOnLambda(memoryMb: number, work: () => unknown): Promise<number> {
  await cpuOf(yardstick); // compiled
  const before = await cpuOf(yardstick);
  const cpu = await cpuOf(work);
  const units = cpu / Math.max(before, await cpuOf(yardstick));
  return (units * YARDSTICK_MS * Math.max(1, MEGABYTES_A_PROCESSOR / memoryMb)) / 1_000;
}
