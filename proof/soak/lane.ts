import { Acts, type ActsOptions, type Batch } from './steps.ts';
import type { Account, Books, PublishedVersion } from './books.ts';
import type { Chance } from '../chance.ts';
import { NEWCOMERS } from './newcomers.ts';

const WEIGHTS = {
  telemetry: 36,
  resend: 12,
  issue: 3,
  publish: 4,
  confirmAgain: 1,
  pull: 8,
  yank: 1,
  award: 5,
  awardAgain: 2,
  badge: 3,
  feedPost: 3,
  reverse: 2,
  unbind: 1,
  rename: 4,
  read: 12,
  newcomer: 12,
};
type Doing = keyof typeof WEIGHTS;

const NEWEST_KEPT = 50;
const SHARE_OF_REGULARS = 0.25;
/**
 * The time between a newcomer's first and last action: by then the first one is refreshed, even after a long refusal.
 */
const FIRST_STANDS_MS = [3_000, 25_000] as const;

/**
 * A sender that makes one request after the other. No other lane uses its accounts, so the expected result of their
 * devices, grants and versions is known.
 *
 * A later change of the same user repairs a lost one, and nobody would notice the loss. So most accounts are given up
 * with each crash: the work in flight stays their last. Newcomers do one thing or two, and nothing else ever.
 */
export class Lane {
  readonly #name: string;
  readonly #chance: Chance;
  readonly #books: Books;
  readonly #acts: Acts;
  readonly #era: () => number;
  readonly #regulars: readonly Account[];
  readonly #published: PublishedVersion[];
  #batches: Batch[] = [];
  readonly #later: { readonly at: number; readonly act: () => Promise<void> }[] = [];
  #guest: { readonly account: Account; readonly era: number } | undefined;
  #newcomers: number;

  constructor({
    era,
    regulars,
    published,
    index,
    ...options
  }: Omit<ActsOptions, 'name'> & {
    readonly index: number;
    /** Changes after each crash. */
    readonly era: () => number;
    /** Accounts with keys that are used until the end. */
    readonly regulars: readonly Account[];
    /** The versions of all lanes that may be pulled. */
    readonly published: PublishedVersion[];
  }) {
    this.#name = `lane-${index}`;
    this.#chance = options.chance;
    this.#books = options.books;
    this.#acts = new Acts({ ...options, name: this.#name });
    this.#era = era;
    this.#regulars = regulars;
    this.#published = published;
    this.#newcomers = index * 3; // lanes start at different kinds, so that together they soon have all kinds
    // However short the run is, it has renames.
    for (const account of regulars.slice(0, 1)) this.#plan('rename', () => this.#do('rename', account));
  }

  /** Does one action. */
  async step(): Promise<void> {
    const due = this.#later.findIndex(({ at }) => at <= Date.now());
    const [last] = due === -1 ? [] : this.#later.splice(due, 1);
    if (last !== undefined) {
      await last.act();
      return;
    }
    const guest = await this.#currentGuest();
    const doing = this.#chance.weighted(WEIGHTS);
    const account = this.#chance.happens(SHARE_OF_REGULARS) ? (this.#chance.oneOf(this.#regulars) ?? guest) : guest;
    this.#acts.begin(doing);
    await this.#do(doing, account);
  }

  /** Does the planned rest. */
  async finish(): Promise<void> {
    for (const { act } of this.#later.splice(0)) await act();
  }

  async #currentGuest(): Promise<Account> {
    const era = this.#era();
    if (this.#guest?.era === era) return this.#guest.account;
    const gone = this.#guest?.account;
    if (gone !== undefined) {
      this.#batches = this.#batches.filter(({ user }) => user !== gone.username);
      for (const version of gone.versions) {
        const at = this.#published.indexOf(version);
        if (at !== -1) this.#published.splice(at, 1);
      }
    }
    const username = `${this.#name}-guest-${era}`;
    const account = this.#books.open(username, [`${username}-laptop`, `${username}-desktop`]);
    this.#acts.begin('key');
    await this.#acts.createKey(account);
    this.#guest = { account, era };
    return account;
  }

  async #do(doing: Doing, account: Account): Promise<void> {
    const acts = this.#acts;
    switch (doing) {
      case 'telemetry':
        this.#keep(await acts.telemetry(account));
        return;
      case 'resend':
        return this.#with(this.#batches, (batch) => acts.resend(batch));
      case 'issue':
        return acts.issue(account);
      case 'publish':
        this.#published.push(await acts.publish(account));
        return;
      case 'confirmAgain':
        return this.#with(account.versions, (version) => acts.confirm(version, [200]));
      case 'pull':
        return this.#with(this.#published, (version) => acts.pull(version, account.username));
      case 'yank':
        return this.#with(account.versions, (version) => acts.yank(version));
      case 'award':
        return acts.award(account);
      case 'awardAgain':
        return acts.awardAgain(account);
      case 'badge':
        return acts.badge(account);
      case 'feedPost':
        return acts.feedPost(account);
      case 'reverse':
        return acts.reverse(account);
      case 'unbind':
        return acts.unbind(account);
      case 'rename':
        this.#keep(await acts.rename(account));
        return;
      case 'read':
        return acts.read(account);
      case 'newcomer':
        return this.#newcomer(account);
    }
  }

  async #with<Thing>(things: readonly Thing[], act: (thing: Thing) => Promise<void>): Promise<void> {
    const thing = this.#chance.oneOf(things);
    if (thing !== undefined) await act(thing);
  }

  #keep(batch: Batch | undefined): void {
    if (batch === undefined) return;
    this.#batches.push(batch);
    if (this.#batches.length > NEWEST_KEPT) this.#batches.shift();
  }

  async #newcomer(other: Account): Promise<void> {
    this.#newcomers += 1;
    const newcomer = NEWCOMERS[this.#newcomers % NEWCOMERS.length];
    if (newcomer === undefined) return;
    const username = `${this.#name}-newcomer-${this.#newcomers}`;
    const account = this.#books.open(username, [`${username}-laptop`]);
    if (newcomer.needsKey) await this.#acts.createKey(account);
    await newcomer.first(this.#acts, account);
    const { last } = newcomer;
    if (last === undefined) return;
    this.#plan('newcomer', () => last(this.#acts, account, other));
  }

  #plan(doing: Doing, work: () => Promise<void>): void {
    const act = async () => {
      this.#acts.begin(doing);
      await work();
    };
    this.#later.push({ at: Date.now() + this.#chance.between(...FIRST_STANDS_MS), act });
  }
}
