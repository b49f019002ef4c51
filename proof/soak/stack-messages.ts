import * as z from 'zod';
import { LocalDescription } from '../../local/local-description.ts';

/** Messages from the soak to the process with the stack. */
export const Ask = z.object({
  id: z.int(),
  what: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('crash-thread'), roles: z.array(z.string()) }),
    z.object({ kind: z.literal('crash-database'), downMs: z.number() }),
    z.object({ kind: z.literal('crash-queues'), downMs: z.number() }),
    z.object({
      kind: z.literal('disturb'),
      roles: z.array(z.string()),
      forMs: z.number(),
      disturbance: z.object({ error: z.string(), share: z.number(), longestDelayMs: z.number() }),
    }),
    z.object({ kind: z.literal('drain'), timeoutMs: z.number() }),
  ]),
});
export type Ask = z.infer<typeof Ask>;

/** Messages from that process. */
export const Told = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), description: LocalDescription }),
  /** `what` is the target of the crash; missing if there was none. */
  z.object({ kind: z.literal('done'), id: z.int(), what: z.string().optional() }),
  z.object({ kind: z.literal('failed'), id: z.int(), error: z.string() }),
]);
export type Told = z.infer<typeof Told>;
