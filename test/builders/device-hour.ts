import type { AccountId } from '../../domain/identity/account.ts';
import type { EventEntry, EventKind } from '../../domain/telemetry/device-hour.ts';
import type { Chunk } from '../../domain/telemetry/device-hour-set.ts';
import { sha256 } from './identity.ts';

/** The kind of an event: a successful invocation of `model`, or another event by its name. */
export const aKind = ({ event = 'cli_invocation', command = 'model', success = true } = {}): EventKind =>
  event === 'cli_invocation' ? { event, command, success } : { event, command: null, success: true };

export const anEntry = (
  insertId: string,
  kind: Parameters<typeof aKind>[0] = {},
  sender: AccountId | null = null,
): EventEntry => ({ id: sha256(insertId).slice(0, 16), kind: aKind(kind), sender });

/** A chunk that is not stored yet. */
export const aChunk = (change: Partial<Chunk> = {}): Chunk => ({
  index: 0,
  revision: 0,
  closed: false,
  events: [],
  ...change,
});
