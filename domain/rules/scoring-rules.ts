import * as z from 'zod/mini';
import { faultsOfRules } from './rule-faults.ts';

const MAX_POINTS = 1_000_000_000;
const EXPECTED_POINTS = `expected a whole number from 0 to ${MAX_POINTS}`;
const Points = z.int(EXPECTED_POINTS).check(z.gte(0, EXPECTED_POINTS), z.lte(MAX_POINTS, EXPECTED_POINTS));
/** Basis points: ten-thousandths. */
const BasisPoints = Points;

const named = (expected: string, form: RegExp) => z.string(expected).check(z.regex(form, expected));
/** A text for people. */
const Label = named('expected 1 to 64 printable characters', /^[^\p{C}\s](?:[^\p{C}]{0,62}[^\p{C}\s])?$/u);
const Word = named('expected 1 to 32 of a-z 0-9 - starting with a letter', /^[a-z][a-z0-9-]{0,31}$/);
export const EventName = named('expected 1 to 64 of a-z 0-9 _ starting with a letter', /^[a-z][a-z0-9_]{0,63}$/);
const PropertyName = named('expected the name of a property', /^[A-Za-z_][A-Za-z0-9_]{0,63}$/);
/** Of a property within properties: `invocation.command`. */
const PropertyPath = named(
  'expected the path of a property, such as result.status',
  /^[A-Za-z_][A-Za-z0-9_]{0,63}(?:\.[A-Za-z_][A-Za-z0-9_]{0,63}){0,7}$/,
);
export const RulesVersion = named(
  'expected the version of rules: 1 to 32 of A-Z a-z 0-9 . _ -',
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
);

const CommandGroup = z.strictObject({
  name: Word,
  commands: z.array(Word).check(z.minLength(1)),
  /** For each counted invocation. */
  points: Points,
  cap: Points,
});

/** An event of the tool counts as a command that succeeded or not. */
const ActivityEvent = z.strictObject({
  event: EventName,
  command: z.union(
    [z.strictObject({ property: PropertyPath }), z.strictObject({ is: Word })],
    'expected {"property": path} or {"is": command}',
  ),
  /** Where it is missing, every event succeeded. */
  success: z.optional(
    z.strictObject({
      property: PropertyPath,
      is: z.array(z.string()).check(z.minLength(1)),
      /** Whether an event without the property succeeded. */
      orAbsent: z.optional(z.boolean()),
    }),
  ),
});
export type ActivityEvent = z.infer<typeof ActivityEvent>;

const ActivityRules = z.strictObject({
  events: z.array(ActivityEvent),
  groups: z.array(CommandGroup),
  /** Every command that no group names. It adds nothing to the diversity. */
  otherCommands: z.strictObject({ points: Points, cap: Points }),
  /** For each group with a count above zero. */
  diversityPoints: Points,
  streak: z.strictObject({ basisPointsPerDay: BasisPoints, maximum: BasisPoints }),
  /** The basis points if all of the days are active; fewer in proportion, rounded down. */
  window: z.strictObject({
    days: z
      .int('expected a whole number of days from 1 to 366')
      .check(
        z.gte(1, 'expected a whole number of days from 1 to 366'),
        z.lte(366, 'expected a whole number of days from 1 to 366'),
      ),
    basisPoints: BasisPoints,
  }),
});
export type ActivityRules = z.infer<typeof ActivityRules>;

/** Points for each of a kind, up to a cap. */
const CountRules = z.strictObject({ points: Points, cap: Points });
export type CountRules = z.infer<typeof CountRules>;

/** An event that is reported once for each fact, and its points. */
const ScoredEvent = z.strictObject({
  event: EventName,
  /** The property that identifies the fact. */
  id: z.optional(PropertyName),
  /** `each`: one fact an id. `day`: one a UTC date. */
  per: z.optional(z.enum(['each', 'day'])),
  points: Points,
  cap: z.optional(Points),
  /** The cap bounds everything, or each UTC month or ISO week. */
  capPer: z.optional(z.enum(['all', 'month', 'week'])),
  /** Of its contribution. One that ends with `:<id>` is a line of the ledger for each fact. */
  key: named(
    'expected a key such as community:answers, or community:answer:<id> for a line of the ledger each',
    /^[a-z][a-z0-9-]{0,31}(?::[a-z][a-z0-9-]{0,31}){1,3}(?::<id>)?$/,
  ),
  category: Word,
  source: Word,
  label: Label,
  /** Whether a person's own key may send it; otherwise it takes a key with `telemetry:trusted`. */
  open: z.optional(z.boolean()),
});
export type ScoredEvent = z.infer<typeof ScoredEvent>;

const Tier = z.strictObject({ name: Label, from: Points });
export type Tier = z.infer<typeof Tier>;

/** The rules of a score as data. Points are whole numbers; what is caught here would otherwise be a wrong score. */
export const ScoringRules = z
  .strictObject({
    $schema: z.optional(z.string()),
    version: RulesVersion,
    activity: ActivityRules,
    events: z.array(ScoredEvent),
    /** Versions published and not yanked. The ledger's publish grants have the same points and cap. */
    publishes: CountRules,
    pulls: CountRules,
    tiers: z.array(Tier).check(z.minLength(1)),
  })
  .check(
    z.check(({ value, issues }) => {
      for (const { path, expected } of faultsOfRules(value)) {
        issues.push({ code: 'custom', path: [...path], message: expected, input: value });
      }
    }),
  );
export type ScoringRules = z.infer<typeof ScoringRules>;

/** SHA-256 of the content of each version that was in force. */
export const Checksums = z.record(RulesVersion, named('expected a SHA-256', /^[0-9a-f]{64}$/));
export type Checksums = z.infer<typeof Checksums>;
