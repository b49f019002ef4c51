import type { Mutant } from './mutant.ts';

export type Verdict = {
  readonly mutant: Mutant;
  /** `broken`: it does not load, crashes or hangs, so it shows nothing. `survived`: no check failed, or none ran. */
  readonly kind: 'caught' | 'survived' | 'broken';
  /** The name of the first check that failed, or what went wrong. */
  readonly by: string;
  /** How that check failed, in its own words. */
  readonly how: string;
  readonly seconds: number;
};

export type Judged = Pick<Verdict, 'kind' | 'by' | 'how'>;

/** The error of code that is wrong in itself, whatever it should hold, or of a test that was waited for in vain. */
const PROVES_NOTHING = /^(?:(?:Reference|Syntax|Type)Error\b|Error: (?:Test|Hook) timed out)/u;

/** A check failed: the mutant is caught, unless by nothing but its own brokenness. */
export const failedBy = (by: string, how: string): Judged =>
  PROVES_NOTHING.test(how) ? { kind: 'broken', by: `${by}: ${how}`, how } : { kind: 'caught', by, how };

/** Nothing was told of it: the end of what was printed says why. */
export const brokenBy = (output: string): Judged => ({ kind: 'broken', by: output.slice(-500), how: '' });

/** A slow machine looks the same, so it shows nothing. */
export const tooLong = (seconds: number): Judged => ({ kind: 'broken', by: `no end after ${seconds} s`, how: '' });
