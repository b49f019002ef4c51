import type { Mutant } from './mutant.ts';

export type Verdict = {
  readonly mutant: Mutant;
  /** `broken`: it does not load, crashes or hangs, so it proves nothing. `survived`: no check failed, or none ran. */
  readonly kind: 'caught' | 'survived' | 'broken';
  /** The name of the first failed check, or the problem. */
  readonly by: string;
  /** The error of that check. */
  readonly how: string;
  readonly seconds: number;
};

export type Judged = Pick<Verdict, 'kind' | 'by' | 'how'>;

/** Errors of broken code, and timeouts of tests: they prove nothing about the guard. */
const PROVES_NOTHING = /^(?:(?:Reference|Syntax|Type)Error\b|Error: (?:Test|Hook) timed out)/u;

/** A check failed, so the mutant is caught, unless only broken code made it fail. */
export const failedBy = (by: string, how: string): Judged =>
  PROVES_NOTHING.test(how) ? { kind: 'broken', by: `${by}: ${how}`, how } : { kind: 'caught', by, how };

/** There was no result: the end of the output explains why. */
export const brokenBy = (output: string): Judged => ({ kind: 'broken', by: output.slice(-500), how: '' });

/** A slow machine looks the same, so it proves nothing. */
export const tooLong = (seconds: number): Judged => ({ kind: 'broken', by: `no end after ${seconds} s`, how: '' });
