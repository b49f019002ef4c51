import type { StoredEvent } from '../model/telemetry.ts';
import type { EventResult } from '../../domain/telemetry/ingest-telemetry.ts';

/** An event that must be stored. It may have come without a key first: the first key makes it its sender's. */
export type BookedEvent = {
  event: StoredEvent;
  /** The number of answers `accepted`. */
  accepted: number;
  /** True if a lost answer may have been `accepted`. */
  mayBeLost: boolean;
};

export type PublishedVersion = {
  readonly name: string;
  readonly version: string;
  readonly author: string;
  readonly pullers: Set<string>;
  isYanked: boolean;
};

/** A lane's record of one user: everything that the stack must report later. */
export type Account = {
  /** Its first name. In the books it is the account's id. */
  readonly username: string;
  /** Its present name. */
  name: string;
  /** The stack's id of it, known after its first rename. */
  accountId: string | undefined;
  readonly devices: readonly string[];
  readonly issues: Set<string>;
  /** The points by grant id, without reversed grants. */
  readonly awards: Map<string, number>;
  readonly badges: Map<string, number>;
  readonly feedPosts: Set<string>;
  readonly reversed: Set<string>;
  readonly versions: PublishedVersion[];
};

export type Verdicts = { copies: number; accepted: number; duplicates: number; rejected: number };

/** All requests and their last answers. It knows nothing about how the stack stores or counts. */
export class Books {
  readonly accounts = new Map<string, Account>();
  /** By `insert_id`. */
  readonly events = new Map<string, BookedEvent>();
  /** The owner of a device's anonymous events. */
  readonly owners = new Map<string, string>();
  readonly verdicts: Verdicts = { copies: 0, accepted: 0, duplicates: 0, rejected: 0 };
  /** Impossible answers. Each of them makes the soak fail. */
  readonly oddities: string[] = [];
  readonly done = new Map<string, number>();

  open(username: string, devices: readonly string[]): Account {
    const account: Account = {
      username,
      name: username,
      accountId: undefined,
      devices,
      issues: new Set(),
      awards: new Map(),
      badges: new Map(),
      feedPosts: new Set(),
      reversed: new Set(),
      versions: [],
    };
    this.accounts.set(username, account);
    return account;
  }

  did(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }

  odd(sentence: string): void {
    this.oddities.push(sentence);
  }

  /** Every copy of an event has one last answer. A new event may be a duplicate only of its own lost try. */
  count(verdict: EventResult['status'] | undefined, what: string, given: { readonly mayBeDuplicate: boolean }): void {
    this.verdicts.copies += 1;
    if (verdict === 'accepted') this.verdicts.accepted += 1;
    else if (verdict === 'duplicate') this.verdicts.duplicates += 1;
    else if (verdict === 'rejected') this.verdicts.rejected += 1;
    else this.odd(`${what} has no answer of its own`);
    if (verdict === 'duplicate' && !given.mayBeDuplicate) this.odd(`${what} is a duplicate, and was never sent before`);
  }
}
