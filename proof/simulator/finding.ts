/** A failed check: the broken rule, and how it is broken. */
export class Finding extends Error {
  override readonly name = 'Finding';
  readonly rule: string;
  readonly problems: readonly string[];

  constructor(rule: string, problems: readonly string[]) {
    super(`${rule}: ${problems.join('; ')}`);
    this.rule = rule;
    this.problems = problems;
  }
}

/** Throws if there are any problems. */
export function expectNone(rule: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Finding(rule, problems);
}
