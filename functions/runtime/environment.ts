import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock, Random, RandomToken, Sha256OfBytes, Sleep } from '../../domain/shared/environment.ts';

/** The real clock, chance and hash: handed to the use-cases by the handlers, never reached for by them. */
export const clock: Clock = () => Date.now();
export const random: Random = () => Math.random();
export const sleep: Sleep = (milliseconds) => wait(milliseconds);
export const sha256: Sha256OfBytes = (content) => createHash('sha256').update(content).digest('hex');
export const randomToken: RandomToken = (bytes) => randomBytes(bytes).toString('base64url');

/** All of them, for a function whose use-cases take most of them. */
export const surroundings = { clock, random, randomToken, sha256, sleep };
