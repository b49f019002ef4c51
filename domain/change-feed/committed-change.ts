import type { LedgerChange } from './ledger-change.ts';
import type { RegistryChange } from './registry-change.ts';
import type { ScoreChange } from './score-change.ts';
import type { TelemetryChange } from './telemetry-change.ts';

export type CommittedChange = {
  readonly change: TelemetryChange | LedgerChange | RegistryChange | ScoreChange;
  /** When it was committed, ISO 8601. The stream's times are rounded to the second. */
  readonly committedAt: string;
};
