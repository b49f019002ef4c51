import { Calendar, calendarSize } from '../charts/calendar.tsx';
import { counted, number } from '../format.ts';
import { cut, type CardText } from './images.ts';

const [WIDTH, PAD] = [780, 24];
const MAX_CHARACTERS = 28;

export function ScoreCard({ card, style }: { readonly card: CardText; readonly style: string }) {
  const { notice, score, rank = null, days } = card;
  const [name, community, tier] = [card.name, card.community, card.tier ?? ''].map((text) => cut(text, MAX_CHARACTERS));
  const height = notice === undefined ? 110 + calendarSize(days.length).height + PAD : 96;
  const figures =
    score === undefined ? notice : `${counted(score, 'point')}, ${tier}${rank === null ? '' : `, rank ${rank}`}`;
  const text = `${name} in ${community}: ${figures}`;
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 0 ${WIDTH} ${height}`}
      width={WIDTH}
      height={height}
      role="img"
      aria-label={text}
    >
      <title>{text}</title>
      <style dangerouslySetInnerHTML={{ __html: style }} />
      <rect class="g" x="0.5" y="0.5" width={WIDTH - 1} height={height - 1} rx="14" />
      <g font-family="system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif">
        <text class="i" x={PAD} y="46" font-size="24" font-weight="700">
          {name}
        </text>
        <text class="f" x={PAD} y="72" font-size="14">
          {notice ?? `${tier} · ${community}`}
        </text>
        {score !== undefined && (
          <text class="a" x={WIDTH - PAD} y="48" font-size="28" font-weight="700" text-anchor="end">
            {number(score)}
          </text>
        )}
        {score !== undefined && (
          <text class="f" x={WIDTH - PAD} y="72" font-size="14" text-anchor="end">
            {rank === null ? 'points' : `points · rank #${number(rank)}`}
          </text>
        )}
        {notice === undefined && (
          <g transform={`translate(${PAD} 98)`}>
            <Calendar days={days} />
          </g>
        )}
      </g>
    </svg>
  );
}
