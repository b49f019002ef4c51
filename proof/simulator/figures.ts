import { FAULTS, type Fault } from '../faults.ts';
import type { Verdict } from './run.ts';
import type { Act, Schedule } from './steps.ts';

/** The totals of a run of schedules. */
export class Figures {
  schedules = 0;
  requests = 0;
  readonly #acts = new Map<Act['kind'], number>();
  readonly #faults = new Map<Fault, number>(FAULTS.map((fault) => [fault, 0]));
  readonly traceHashes: string[] = [];

  add(schedule: Schedule, verdict: Verdict): void {
    this.schedules += 1;
    this.requests += verdict.requests;
    this.traceHashes.push(verdict.traceHash);
    for (const { act } of schedule.steps) this.#acts.set(act.kind, (this.#acts.get(act.kind) ?? 0) + 1);
    for (const fault of verdict.faults.values()) this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
  }

  /** How often each kind of step was taken. */
  acts(): readonly (readonly [string, number])[] {
    return [...this.#acts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** How often each fault happened, including faults that never happened. */
  faults(): readonly (readonly [string, number])[] {
    return [...this.#faults];
  }
}
