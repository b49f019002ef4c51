import type { Span } from './telemetry.ts';

/** The registry implemented again: plain maps over requests and answers. */
export type Confirmed = Span & {
  readonly name: string;
  readonly version: string;
  /** `personal:ada` or `collective:guild` */
  readonly by: string;
  readonly channel: string;
  readonly hash: string;
  readonly answer: 'published' | 'repeated' | 'version_conflict' | 'not_owner';
  readonly isTriedOnce: boolean;
};
export type Yanked = Span & {
  readonly name: string;
  /** If omitted, the request is for all versions of the channel. */
  readonly version?: string | undefined;
  readonly channel?: string | undefined;
  /** `personal:admin` is an admin. */
  readonly by: string;
  readonly isYank: boolean;
};
export type Pulled = Span & {
  readonly name: string;
  readonly version: string;
  /** `user:ada` or `device:<id>` */
  readonly puller: string;
  readonly hour: string;
  readonly answer: 'accepted' | 'duplicate' | 'unknown' | 'maybe';
};
export type MembersSet = Span & { readonly members: readonly string[] };

export type StoredVersion = {
  readonly name: string;
  readonly version: string;
  readonly publisher: string;
  readonly channel: string;
  readonly hash: string | null;
  readonly credited: readonly string[];
  /** The date of its yank. */
  readonly yankedOn: string | null;
  readonly publishedAt: string;
};
export type StoredPull = {
  readonly author: string;
  readonly name: string;
  readonly version: string;
  readonly puller: string;
  readonly on: string;
};

const isBefore = (a: Span, b: Span): boolean => a.ended < b.began;
const placeOf = ({ name, version }: { readonly name: string; readonly version: string }): string =>
  `${name}@${version}`;

export class RegistryModel {
  readonly #confirmed: Confirmed[] = [];
  readonly #yanked: Yanked[] = [];
  readonly #pulled: Pulled[] = [];
  readonly #members: MembersSet[];
  #versions: ReadonlyMap<string, StoredVersion> = new Map();
  #stored: readonly StoredPull[] = [];

  /** `members` are the collective's initial members. */
  constructor(members: readonly string[]) {
    this.#members = [{ members, began: -1, ended: -1 }];
  }

  confirmed(one: Confirmed): void {
    this.#confirmed.push(one);
  }

  yanked(one: Yanked): void {
    this.#yanked.push(one);
  }

  pulled(one: Pulled): void {
    this.#pulled.push(one);
  }

  membersSet(one: MembersSet): void {
    this.#members.push(one);
  }

  versions(): readonly StoredVersion[] {
    return [...this.#versions.values()];
  }

  /** The ids of the grants of all versions. */
  grantIds(): ReadonlySet<string> {
    return new Set(this.versions().flatMap((each) => each.credited.map((user) => `publish:${placeOf(each)}:${user}`)));
  }

  /** Every pull that was answered as stored, once. */
  pulls(): readonly Pulled[] {
    const there = this.#pulled.filter(({ answer }) => answer === 'accepted' || answer === 'duplicate');
    return [...new Map(there.map((pull) => [`${placeOf(pull)} ${pull.puller}`, pull])).values()];
  }

  versionsOf(username: string): readonly { readonly published: string; readonly yanked: string | null }[] {
    const own = this.versions().filter(({ credited }) => credited.includes(username));
    return own.map(({ publishedAt, yankedOn }) => ({ published: publishedAt.slice(0, 10), yanked: yankedOn }));
  }

  /** The dates of the pulls of a user's versions, without the user's own pulls. */
  pullsOf(username: string, ownDevices: ReadonlySet<string>): readonly string[] {
    const own = new Set([`user:${username}`, ...[...ownDevices].map((device) => `device:${device}`)]);
    return this.#stored.filter(({ author, puller }) => author === username && !own.has(puller)).map(({ on }) => on);
  }

  /** Compares the stored versions with the requests, and returns the contradictions. */
  settle(
    versions: readonly StoredVersion[],
    pulls: readonly StoredPull[],
    /** The rows of newest versions, as `<channel> <name>@<version>`. */
    live: readonly string[],
  ): string[] {
    this.#versions = new Map(versions.map((version) => [placeOf(version), version]));
    this.#stored = pulls;
    const problems: string[] = [];
    const confirmed = Map.groupBy(this.#confirmed, placeOf);
    for (const [place, asked] of confirmed) {
      problems.push(
        ...this.#problemsOfVersion(this.#versions.get(place), asked).map((problem) => `${place}: ${problem}`),
      );
    }
    for (const place of this.#versions.keys())
      if (!confirmed.has(place)) problems.push(`${place}: nobody has published it`);
    problems.push(...this.#problemsOfPulls(pulls));
    const notYanked = versions
      .filter(({ yankedOn }) => yankedOn === null)
      .map((each) => `${each.channel} ${placeOf(each)}`);
    if (notYanked.sort().join() !== live.toSorted().join()) problems.push(`found as the newest: ${live.join()}`);
    return problems;
  }

  #problemsOfVersion(stored: StoredVersion | undefined, asked: readonly Confirmed[]): string[] {
    const problems: string[] = [];
    const published = asked.filter(({ answer }) => answer === 'published').length;
    if (published > 1) problems.push(`was answered as published ${published} times`);
    const isSaidToBe = asked.some(({ answer }) => answer !== 'not_owner');
    if (stored === undefined) return isSaidToBe ? [...problems, 'was answered, and is not there'] : problems;
    if (published === 0 && asked.every(({ isTriedOnce }) => isTriedOnce))
      problems.push('is there, and nobody was told that it is published');
    const isSameAs = ({ by, channel, hash }: Confirmed) =>
      stored.publisher === by && stored.channel === channel && stored.hash === hash;
    for (const one of asked) {
      const { by, answer } = one;
      const isSame = isSameAs(one);
      if ((answer === 'published' || answer === 'repeated') && !isSame)
        problems.push(`${by} was told that it is theirs`);
      if (answer === 'version_conflict' && isSame) problems.push(`${by} was told that it is another's`);
    }
    const mine = asked.filter(isSameAs);
    if (!mine.some((one) => this.#mayCredit(stored, one))) problems.push(`it is credited to ${stored.credited.join()}`);
    const ofOthers = this.#yanked.filter(
      ({ name, version, by }) => name === stored.name && version === stored.version && by !== stored.publisher,
    );
    for (const { by } of ofOthers)
      if (by !== 'personal:admin') problems.push(`${by} was told that it is theirs to yank`);
    if (!this.#mayBe(stored, mine)) problems.push(stored.yankedOn === null ? 'it is not yanked' : 'it is yanked');
    return problems;
  }

  /** The account itself, or the members at some time during the publish. */
  #mayCredit({ publisher, credited }: StoredVersion, span: Span): boolean {
    const [kind, name] = publisher.split(':');
    if (kind === 'personal') return credited.join() === name;
    const possible = this.#members.filter(
      (one) => one.began <= span.ended && !this.#members.some((next) => isBefore(one, next) && isBefore(next, span)),
    );
    return possible.some(({ members }) => members.toSorted().join() === credited.toSorted().join());
  }

  /** A change of a whole channel that ran at the same time may come before or after the publish. */
  #mayBe(stored: StoredVersion, mine: readonly Confirmed[]): boolean {
    const own = this.#yanked.filter(
      ({ name, version, channel }) =>
        name === stored.name && (version === undefined ? channel === stored.channel : version === stored.version),
    );
    const possible = own.filter((one) => one.version !== undefined || mine.some((confirm) => !isBefore(one, confirm)));
    const certain = possible.filter(
      (one) => one.version !== undefined || mine.some((confirm) => isBefore(confirm, one)),
    );
    const isPossible = (is: boolean) =>
      possible.some((one) => one.isYank === is && !certain.some((next) => next.isYank !== is && isBefore(one, next)));
    const isYanked = stored.yankedOn !== null;
    return isPossible(isYanked) || (!isYanked && !certain.some(({ isYank }) => isYank));
  }

  #problemsOfPulls(stored: readonly StoredPull[]): string[] {
    const problems: string[] = [];
    const rows = new Set(stored.map((row) => `${row.author} ${placeOf(row)} ${row.puller}`));
    const possible = new Set<string>();
    for (const pull of this.#pulled) {
      for (const author of this.#versions.get(placeOf(pull))?.credited ?? []) {
        const row = `${author} ${placeOf(pull)} ${pull.puller}`;
        if (pull.answer !== 'unknown') possible.add(row);
        const isThere = pull.answer === 'accepted' || pull.answer === 'duplicate';
        if (isThere && !rows.has(row)) problems.push(`the pull ${row} was answered, and is not stored`);
      }
      const isPublishedBefore = this.#confirmed.some(
        (one) => placeOf(one) === placeOf(pull) && one.answer !== 'not_owner' && isBefore(one, pull),
      );
      if (pull.answer === 'unknown' && isPublishedBefore) problems.push(`a pull of ${placeOf(pull)} was refused`);
    }
    for (const row of rows) if (!possible.has(row)) problems.push(`the pull ${row} is stored, and nobody reported it`);
    return problems;
  }
}
