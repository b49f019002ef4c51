import type { EventResult } from '../../domain/telemetry/ingest-telemetry.ts';

/** An event that must have been stored. */
export type SentEvent = {
  readonly insertId: string;
  readonly device: string;
  readonly event: string;
  readonly command: string | null;
  readonly date: string;
  /** Who sent it with a key; it may have come without one before. */
  sender: string | null;
  /** Answers that said `accepted`. */
  accepted: number;
  /** Whether an answer was lost that may have said so. */
  mayBeLost: boolean;
};

export type PublishedVersion = {
  readonly name: string;
  readonly version: string;
  readonly author: string;
  readonly pullers: Set<string>;
  isYanked: boolean;
};

/** What a lane keeps of one user: everything that the stack must be able to tell afterwards. */
export type Account = {
  readonly username: string;
  readonly devices: readonly string[];
  readonly issues: Set<string>;
  /** By grant id: the points, as long as they stand. */
  readonly awards: Map<string, number>;
  readonly badges: Map<string, number>;
  readonly feedPosts: Set<string>;
  readonly reversed: Set<string>;
  readonly versions: PublishedVersion[];
};

export type Verdicts = { copies: number; accepted: number; duplicates: number; rejected: number };

/** All that was sent, as it was answered in the end. It knows nothing of how the stack stores or counts. */
export class Books {
  readonly accounts = new Map<string, Account>();
  readonly events = new Map<string, SentEvent>();
  /** Whose a device's anonymous events are. */
  readonly owners = new Map<string, string>();
  readonly verdicts: Verdicts = { copies: 0, accepted: 0, duplicates: 0, rejected: 0 };
  /** Answers that cannot be: each is a failure of the soak. */
  readonly oddities: string[] = [];
  readonly done = new Map<string, number>();

  open(username: string, devices: readonly string[]): Account {
    const account: Account = {
      username,
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

  /** Every copy of an event has one final answer; a new one may be a duplicate only of its own lost try. */
  count(verdict: EventResult['status'] | undefined, what: string, given: { readonly mayBeDuplicate: boolean }): void {
    this.verdicts.copies += 1;
    if (verdict === 'accepted') this.verdicts.accepted += 1;
    else if (verdict === 'duplicate') this.verdicts.duplicates += 1;
    else if (verdict === 'rejected') this.verdicts.rejected += 1;
    else this.odd(`${what} has no answer of its own`);
    if (verdict === 'duplicate' && !given.mayBeDuplicate) this.odd(`${what} is a duplicate, and was never sent before`);
  }

  /** Whom an event counts for: its sender, else the device's owner, else nobody. */
  userOf({ sender, device }: SentEvent): string | undefined {
    return sender ?? this.owners.get(device);
  }
}
