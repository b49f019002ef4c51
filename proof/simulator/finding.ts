/** Something that must not be: which rule it breaks, and how. */
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

/** Throws where there is any problem. */
export function expectNone(rule: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Finding(rule, problems);
}
