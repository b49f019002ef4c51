import * as z from 'zod/mini';

/** The part of Lambda's context that functions use. */
export const InvocationContext = z.object({
  getRemainingTimeInMillis: z.custom<() => number>((value) => typeof value === 'function'),
});

/** Refuses the event of a direct invocation. The caller gets its name as `errorType`. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEvent';
}
