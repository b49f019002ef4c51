import * as z from 'zod/mini';
import type { AccountId } from '../identity/account.ts';
import { err, ok, type Result } from '../shared/result.ts';
import { MILLISECONDS_PER_HOUR } from '../shared/utc.ts';
import type { ConsistencyRequest } from './consistency-event.ts';
import type { Part, UserPlace } from './user-places.port.ts';

export type UserPage = {
  readonly usernames: readonly AccountId[];
  /** Whether this page comes from the scores. On other pages, users with a score are skipped: the scores name them. */
  readonly isOfScores: boolean;
  /** Where the walk goes on after this page; null after the last one. */
  readonly next: string | null;
};

const Position = z.object({ place: z.string(), position: z.nullable(z.string()) });
type Position = z.infer<typeof Position>;

/**
 * The users to look at, page by page.
 *
 * An hour's sample is one part of each place, and another one each hour: as many hours as there are parts cover
 * everybody. The number of parts grows with the place, so an hour's work does not. A walk over all can be left after
 * any page and taken up by another invocation.
 */
export function walkUsers(
  places: readonly UserPlace[],
  of: ConsistencyRequest['of'],
  now: number,
): Result<AsyncIterable<UserPage>, string> {
  switch (of.sample) {
    case 'named':
      return ok(singlePage({ usernames: of.usernames, isOfScores: true, next: null }));
    case 'hour': {
      const hour = Math.floor(now / MILLISECONDS_PER_HOUR);
      return ok(
        walk(places, null, async (place) => {
          const parts = await place.parts();
          return { index: hour % parts, of: parts };
        }),
      );
    }
    case 'all': {
      const from = of.from === null ? null : parsePosition(of.from);
      if (from !== null && !places.some(({ name }) => name === from?.place)) {
        return err('from: expected the next of an earlier answer');
      }
      return ok(walk(places, from ?? null, async () => ({ index: 0, of: 1 })));
    }
  }
}

async function* singlePage(page: UserPage): AsyncGenerator<UserPage, void> {
  yield page;
}

async function* walk(
  places: readonly UserPlace[],
  from: Position | null,
  partOf: (place: UserPlace) => Promise<Part>,
): AsyncGenerator<UserPage, void> {
  const first = Math.max(
    0,
    places.findIndex(({ name }) => name === from?.place),
  );
  for (const [index, place] of [...places.entries()].slice(first)) {
    const part = await partOf(place);
    let position = index === first ? (from?.position ?? null) : null;
    do {
      const { usernames, next } = await place.page(part, position);
      const following = next === null ? places[index + 1] : place;
      yield {
        usernames,
        isOfScores: place.isOfScores,
        next: following === undefined ? null : positionText({ place: following.name, position: next }),
      };
      position = next;
    } while (position !== null);
  }
}

const positionText = (position: Position): string => JSON.stringify(position);

function parsePosition(text: string): Position | undefined {
  try {
    return Position.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
