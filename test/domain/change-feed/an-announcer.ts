import type { CommittedChange } from '../../../domain/change-feed/committed-change.ts';

export const AT = Date.parse('2026-08-21T12:00:00.000Z');

type Queue<Request> = {
  readonly request: (some: readonly Request[]) => Promise<void>;
  readonly clock: () => number;
};

/** An announcer at noon with its recorded requests, and a queue that can be made to fail. */
export function anAnnouncer<Request>(
  announcerOf: (queue: Queue<Request>) => (changes: readonly CommittedChange[]) => Promise<void>,
) {
  const requests: Request[] = [];
  const world = { now: AT, fails: false };
  const announce = announcerOf({
    async request(some) {
      if (world.fails) throw new Error('no queue');
      requests.push(...some);
    },
    clock: () => world.now,
  });
  const changed = (...changes: CommittedChange['change'][]) =>
    announce(changes.map((change) => ({ change, committedAt: new Date(world.now).toISOString() })));
  return { world, requests, changed };
}
