import { renderToString } from 'preact-render-to-string';
import { Document, type AssetPaths } from './document.tsx';
import { Badge } from './images/badge.tsx';
import { ScoreCard } from './images/card.tsx';
import type { BadgeText, CardText } from './images/images.ts';
import type { PageState } from './state.ts';

/** A page as HTML. */
export const renderPage = (state: PageState, assets: AssetPaths): string =>
  `<!doctype html>${renderToString(<Document state={state} assets={assets} />)}`;

export const renderBadge = (badge: BadgeText): string => renderToString(<Badge {...badge} />);
export const renderCard = (card: CardText, style: string): string =>
  renderToString(<ScoreCard card={card} style={style} />);
