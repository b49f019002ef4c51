import { measureFold } from './roll-ups.ts';

/** Folds an hour of a million events, and tells how large this process has been. `timeouts.ts` runs it. */
measureFold(1_000_000);
process.send?.({ megabytes: process.resourceUsage().maxRSS / 1_024 });
process.disconnect();
