/**
 * The gateway's throttle: `burst` requests at once, refilled at `ratePerSecond`. Returns true if a request may pass.
 */
export function tokenBucket(
  { ratePerSecond, burst }: { readonly ratePerSecond: number; readonly burst: number },
  clock: () => number,
): () => boolean {
  let tokens = burst;
  let filledAt = clock();
  return () => {
    const now = clock();
    tokens = Math.min(burst, tokens + ((now - filledAt) / 1000) * ratePerSecond);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
