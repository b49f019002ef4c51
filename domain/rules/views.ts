import * as z from 'zod/mini';
import type { Rulebook } from './current-rules.ts';
import { ScoringRules } from './scoring-rules.ts';

export const RulesView = z.object({
  /** The version that scores are computed by. */
  inForce: z.string(),
  versions: z.array(
    z.object({
      version: z.string(),
      /** When it last came into force; null if it never did. */
      since: z.nullable(z.iso.datetime()),
      rules: ScoringRules,
    }),
  ),
});
export type RulesView = z.infer<typeof RulesView>;

/** How points work. `now`: a version that nobody has noted yet is in force by then. */
export const rulesView = ({ inForce, all }: Rulebook, since: ReadonlyMap<string, string>, now: string): RulesView => ({
  inForce: inForce.version,
  versions: all.map(({ $schema: _, ...rules }) => ({
    version: rules.version,
    since: since.get(rules.version) ?? (rules.version === inForce.version ? now : null),
    rules,
  })),
});
