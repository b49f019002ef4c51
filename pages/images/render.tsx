import { renderToString } from 'preact-render-to-string';
import { Badge } from './badge.tsx';
import { ScoreCard } from './card.tsx';
import type { BadgeText, CardText } from './images.ts';

export const renderBadge = (badge: BadgeText): string => renderToString(<Badge {...badge} />);
export const renderCard = (card: CardText, style: string): string =>
  renderToString(<ScoreCard card={card} style={style} />);
