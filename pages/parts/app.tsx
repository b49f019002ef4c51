import type { PageState } from '../state.ts';
import { BoardPage } from './board.tsx';
import { CommunityPage } from './community.tsx';
import { PersonPage } from './person.tsx';
import { RulesPage } from './rules.tsx';
import { Around, Notice, type Surroundings } from './pieces.tsx';

/** The left half of a laurel; the right one is its mirror image. */
const LEAVES =
  'M15 29C8 27 4 21 4 13c2.5 1 4 3 4.6 5C8.5 14 8 10 9.5 6c2 2.5 2.8 5.5 2.5 9 1.5-2 1.7-4 1.7-6 2 4 1.8 8 .6 11 .5 3 1 6 .7 9Z';

/** Bay leaves: the logo of a community without its own. */
const Logo = ({ src }: { readonly src: string | undefined }) =>
  src === undefined ? (
    <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <g fill="currentColor">
        <path d={LEAVES} />
        <path d={LEAVES} transform="matrix(-1 0 0 1 32 0)" />
      </g>
    </svg>
  ) : (
    <img class="logo" src={src} width="28" height="28" alt="" />
  );

const NAVIGATION = [
  { href: '/', title: 'Leaderboard', page: 'board' },
  { href: '/community', title: 'Community', page: 'community' },
  { href: '/rules', title: 'Rules', page: 'rules' },
] as const;

/** Why the page that the reader asked for is not shown, and its address. */
type Failure = { readonly sentence: string; readonly href: string };

export type AppProps = {
  readonly state: PageState;
  readonly isBusy: boolean;
  readonly failure?: Failure | undefined;
} & Omit<Surroundings, 'site'>;

/** The whole of every page, the same on the server and in a browser. */
export function App({ state, isLive, isBusy, get, failure }: AppProps) {
  const { site } = state;
  return (
    <Around.Provider value={{ site, isLive, get }}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <Logo src={site.logo} />
          <span>{site.name}</span>
        </a>
        <nav aria-label="Pages">
          {NAVIGATION.map(({ href, title, page }) => (
            <a key={href} href={href} aria-current={page === state.page ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1} aria-busy={isBusy}>
        {failure !== undefined && (
          <p class="notice failed" role="alert">
            <strong>This is not what you asked for:</strong> {failure.sentence} The page shows what was there before.{' '}
            <a href={failure.href}>Try again</a>
          </p>
        )}
        <Content state={state} />
      </main>
      <p class="unseen" role="status">
        {isBusy ? 'Loading' : ''}
      </p>
      <footer class="foot">
        <span>
          Every number leads to its reason.{' '}
          <a href="/openapi.json" data-plain>
            API
          </a>
        </span>
        {site.links.map(({ title, href }) => (
          <a key={href} href={href} rel="noopener" data-plain>
            {title}
          </a>
        ))}
      </footer>
    </Around.Provider>
  );
}

function Content({ state }: { readonly state: PageState }) {
  switch (state.page) {
    case 'board':
      return <BoardPage {...state} />;
    case 'person':
      return <PersonPage {...state} />;
    case 'community':
      return <CommunityPage {...state} />;
    case 'rules':
      return <RulesPage {...state} />;
    case 'nothing':
      return (
        <>
          <h1>There is nothing here</h1>
          <Notice>
            The address leads to no page. The <a href="/">leaderboard</a> leads to all of them.
          </Notice>
        </>
      );
  }
}
