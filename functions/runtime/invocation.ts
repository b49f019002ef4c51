import * as z from 'zod/mini';

/** What Lambda tells a function of its invocation. */
export const InvocationContext = z.object({
  getRemainingTimeInMillis: z.custom<() => number>((value) => typeof value === 'function'),
});

/** Its name is the `errorType` that the caller of the function gets. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEvent';
}
