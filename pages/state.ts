import type { GrantsView } from '../domain/grants/views.ts';
import type { BoardPlaceView, BoardView } from '../domain/leaderboards/views.ts';
import type { ExtensionsView } from '../domain/metrics/community-views.ts';
import type { ExplainView, HistoryView, ScoreView } from '../domain/scoring/views.ts';
import type { Part } from './charts/bars.tsx';
import type { BoardAddress, CommunityAddress, PersonAddress, RulesAddress } from './address.ts';
import type { Answer, CompareAnswer, HoursAnswer, RulesAnswer, SeriesAnswer } from './api.ts';
import type { Site } from './site.ts';

export type BoardData = {
  readonly board: string;
  readonly rows: Answer<BoardView>;
  /** Of a search: whether the rows may lack names that fit. */
  readonly search?: Answer<{ readonly isCut: boolean }> | undefined;
  /** The reader's own place. */
  readonly own?: Answer<BoardPlaceView> | undefined;
};

export type PersonData = {
  readonly score: Answer<ScoreView>;
  readonly explained: Answer<ExplainView>;
  readonly history: Answer<HistoryView>;
  /** The page of the ledger that the address asks for. */
  readonly grants: Answer<GrantsView>;
  /** The newest lines: they know the reasons of awards and badges. */
  readonly newest: Answer<GrantsView>;
  readonly rules: Answer<RulesAnswer>;
};

/** How many people of a board have which tier, from the lowest on. */
export type TierCounts = { readonly parts: readonly Part[]; readonly total: number };

export type CommunityData = {
  readonly series: Answer<SeriesAnswer>;
  /** Of the period before. */
  readonly previous: Answer<SeriesAnswer>;
  /** The same days by hour, or the last of them. */
  readonly hours: Answer<HoursAnswer>;
  readonly day: Answer<CompareAnswer>;
  readonly week: Answer<CompareAnswer>;
  readonly extensions: Answer<ExtensionsView>;
  readonly board: Answer<TierCounts>;
};

type Shared = {
  /** The date in UTC, `2026-08-21`. */ readonly today: string;
  readonly site: Site;
  /** Where links from elsewhere lead. */ readonly origin: string;
};

/** All that a page is drawn from: the server puts it into the page, and the browser goes on from it. */
export type PageState = Shared &
  (
    | { readonly page: 'board'; readonly address: BoardAddress; readonly data: BoardData }
    | { readonly page: 'person'; readonly address: PersonAddress; readonly data: PersonData }
    | { readonly page: 'community'; readonly address: CommunityAddress; readonly data: CommunityData }
    | { readonly page: 'rules'; readonly address: RulesAddress; readonly data: { readonly rules: Answer<RulesAnswer> } }
    | { readonly page: 'nothing'; readonly address: { readonly page: 'nothing' } }
  );

/** What a page is about: where that is missing, the page is. */
export function mainAnswer(state: PageState): Answer<unknown> | undefined {
  switch (state.page) {
    case 'board':
      return state.data.rows;
    case 'person':
      return state.data.score;
    case 'community':
      return state.data.series;
    case 'rules':
      return state.data.rules;
    case 'nothing':
      return undefined;
  }
}
