import { createHash } from 'node:crypto';
import type * as Real from '../../../functions/runtime/environment.ts';
import { current } from '../invocation.ts';

/** Replaces `functions/runtime/environment.ts`: the schedule's clock and tokens, and pauses that the schedule ends. */
export const clock: typeof Real.clock = () => {
  const { surroundings, instance } = current();
  return surroundings.now() + instance.clockOffMs;
};
export const random: typeof Real.random = () => 0.5;
export const sleep: typeof Real.sleep = () => current().surroundings.pause();
export const sha256: typeof Real.sha256 = (content) => createHash('sha256').update(content).digest('hex');
export const randomToken: typeof Real.randomToken = (bytes) => current().surroundings.token(bytes);
export const surroundings: typeof Real.surroundings = { clock, random, randomToken, sha256, sleep };
