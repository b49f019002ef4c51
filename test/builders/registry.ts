import type { RegistryCounts, UserRegistry } from '../../domain/registry/user-registry.port.ts';
import { byDate } from '../../domain/shared/by-date.ts';

/** A user's counts in the registry, all of one date; empty by default. */
export const aRegistryCount = (publishes = 0, pulls = 0, date = '2026-08-21'): RegistryCounts => ({
  publishes: byDate([[date, publishes]]),
  pulls: byDate([[date, pulls]]),
});

/** A registry without entries. */
export const anEmptyRegistry: UserRegistry = {
  async *versionsOf() {},
  async *pullsOf() {},
};

export async function pagesOf<Page>(pages: AsyncIterable<Page>): Promise<Page[]> {
  const read: Page[] = [];
  for await (const page of pages) read.push(page);
  return read;
}
