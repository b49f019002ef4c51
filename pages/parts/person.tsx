import type { ExplainView, HistoryView, ScoreView } from '../../domain/scoring/views.ts';
import { hrefOf, type PersonAddress } from '../address.ts';
import { rulesInForce, historyPath, type Rules } from '../api.ts';
import { Calendar, calendarSize, type CalendarDay } from '../charts/calendar.tsx';
import { Figure, tableIn } from '../charts/figure.tsx';
import { Lines } from '../charts/lines.tsx';
import { addDays } from '../dates.ts';
import { counted, longDate, number, shortDate, visible, withSign } from '../format.ts';
import { gainsOf } from '../load.ts';
import type { PersonData } from '../state.ts';
import { Embed } from './embed.tsx';
import { Ledger } from './ledger.tsx';
import { Card, Failed, Head, Notice, Text, Tier, Time } from './pieces.tsx';

type Props = {
  readonly address: PersonAddress;
  readonly data: PersonData;
  readonly today: string;
  readonly origin: string;
};

export function PersonPage({ address, data, today, origin }: Props) {
  const { score, explained, history, rules } = data;
  if (!score.ok) {
    return (
      <>
        <h1>
          <bdi>{visible(address.username)}</bdi>
        </h1>
        {score.status === 404 ? (
          <Notice>
            Nothing is known of this name. It may be misspelt, or have no event yet.{' '}
            <a href="/">Look at the leaderboard</a>
          </Notice>
        ) : (
          <Failed what="This score" sentence={score.sentence} />
        )}
      </>
    );
  }
  return (
    <>
      <Heading score={score.view} />
      {explained.ok ? (
        <Contributions address={address} explained={explained.view} rules={rulesInForce(rules)} />
      ) : (
        <Failed what="The explanation" sentence={explained.sentence} />
      )}
      {history.ok ? (
        <History address={address} history={history.view} today={today} />
      ) : (
        <Failed what="The history" sentence={history.sentence} />
      )}
      <div class="grid">
        <Tiers score={score.view} />
        <Awards data={data} />
      </div>
      <Ledger address={address} grants={data.grants} score={score.view} />
      <Embed username={score.view.username} origin={origin} />
    </>
  );
}

function Heading({ score }: { readonly score: ScoreView }) {
  const { username, canonicalScore, tier, nextTier, rank, refreshedAt } = score;
  const share = nextTier === null ? 1 : Math.max(0, canonicalScore) / Math.max(1, canonicalScore + nextTier.missing);
  return (
    <section class="card hero" aria-labelledby="person">
      <div class="hero-name">
        <h1 id="person">
          <bdi>{visible(username)}</bdi>
        </h1>
        <p>
          <Tier name={tier} />{' '}
          <button type="button" class="quiet small live-only" data-me={username}>
            This is me
          </button>
        </p>
      </div>
      <dl class="figures">
        <div>
          <dt>Score</dt>
          <dd class="big">{number(canonicalScore)}</dd>
        </div>
        <div>
          <dt>Rank</dt>
          <dd class="big">
            {rank === null ? '–' : <a href={hrefOf({ page: 'board', q: username })}>#{number(rank)}</a>}
          </dd>
        </div>
        <div>
          <dt>Activity</dt>
          <dd class="big">{number(score.activityScore)}</dd>
        </div>
      </dl>
      <div class="next-tier">
        <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
          <rect class="track" width="100" height="4" />
          <rect class="fill" width={(100 * share).toFixed(1)} height="4" />
        </svg>
        <p class="small">
          <span>
            {nextTier === null ? (
              'The highest tier is reached.'
            ) : (
              <>
                <strong>{counted(nextTier.missing, 'point')}</strong> to {nextTier.name}
              </>
            )}
          </span>
          <span class="faint">
            Computed <Time iso={refreshedAt} />
          </span>
        </p>
      </div>
      {rank === null && (
        <p class="notice">
          On no board: {visible(username)} is hidden by choice, has no points, or was not there yet when the boards were
          built.
        </p>
      )}
    </section>
  );
}

const TITLES: Readonly<Record<string, string>> = {
  'telemetry:activity': 'Activity in the tool',
  'content:extension-publishes': 'Extensions published',
  'content:extension-pulls': 'Pulls of their extensions',
};

function capOf(key: string, rules: Rules | undefined): number | undefined {
  if (key === 'content:extension-publishes') return rules?.publishes.cap;
  if (key === 'content:extension-pulls') return rules?.pulls.cap;
  return rules?.events.find((event) => event.key === key)?.cap;
}

type Explained = ExplainView['contributions'][number];

/** Single grants: many of them, each with a title of its own, listed as awards. */
const isSingle = ({ key }: Explained): boolean => key.startsWith('award:') || key.includes('feed-post');

function Contributions({
  address,
  explained,
  rules,
}: {
  readonly address: PersonAddress;
  readonly explained: ExplainView;
  readonly rules: Rules | undefined;
}) {
  const { contributions, older, canonicalScore } = explained;
  const fixed = contributions.filter((each) => !isSingle(each));
  const single = contributions.filter(isSingle).filter(({ points }) => points !== 0);
  const singlePoints = single.reduce((sum, { points }) => sum + points, 0) + older.points;
  const most = Math.max(1, singlePoints, ...fixed.map(({ key, points }) => Math.max(points, capOf(key, rules) ?? 0)));
  const nextChange =
    explained.nextChangeOn === null ? null : (
      <span class="faint small">Changes by itself on {longDate(explained.nextChangeOn)}</span>
    );
  return (
    <Card title="Where the points come from" id="points" aside={nextChange}>
      <div class="contributions">
        {fixed.map((each) => (
          <Contribution
            key={each.key}
            explained={each}
            most={most}
            cap={capOf(each.key, rules)}
            label={TITLES[each.key] ?? rules?.events.find(({ key }) => key === each.key)?.label ?? each.key}
            isOpen={address.open.includes(each.key)}
          />
        ))}
        <details data-key="grants" open={address.open.includes('grants')}>
          <Summary label="Awards, badges and posts" points={singlePoints} most={most} />
          <table class="rows numbers">
            <tbody>
              {single.map(({ key, points, steps }) => (
                <tr key={key}>
                  <th scope="row">
                    <Text>{key}</Text> {steps.length > 0 && steps[0]?.label !== 'points' && <em>{steps[0]?.label}</em>}
                  </th>
                  <td class="num">{withSign(points)}</td>
                </tr>
              ))}
              {older.count > 0 && (
                <tr>
                  <th scope="row">{counted(older.count, 'older one')}</th>
                  <td class="num">{withSign(older.points)}</td>
                </tr>
              )}
              {single.length === 0 && older.count === 0 && (
                <tr>
                  <th scope="row">None yet</th>
                  <td class="num">0</td>
                </tr>
              )}
            </tbody>
          </table>
        </details>
      </div>
      <p class="sum">
        Together <strong>{number(canonicalScore)}</strong>{' '}
        <span class="faint small">
          by version {explained.rulesVersion} of the <a href="/rules">rules</a>, as of {longDate(explained.date)}
        </span>
      </p>
    </Card>
  );
}

type SummaryProps = {
  readonly label: string;
  readonly points: number;
  readonly most: number;
  readonly cap?: number | undefined;
  readonly isCapped?: boolean;
};

const Summary = ({ label, points, most, cap, isCapped = false }: SummaryProps) => (
  <summary>
    <span class="label">{label}</span>
    <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" width={((100 * (cap ?? most)) / most).toFixed(1)} height="6" />
      <rect class="fill" width={((100 * Math.max(0, points)) / most).toFixed(1)} height="6" />
    </svg>
    <span class="num">
      {number(points)}
      {cap !== undefined && <span class="faint small"> of {number(cap)}</span>}
    </span>
    {isCapped && <span class="capped">cap reached</span>}
  </summary>
);

function Contribution({
  explained: { key, points, steps },
  label,
  cap,
  most,
  isOpen,
}: Omit<SummaryProps, 'points'> & { readonly explained: Explained; readonly isOpen: boolean }) {
  const isCapped = steps.at(-1)?.cappedAt !== undefined || (cap !== undefined && points >= cap);
  return (
    <details data-key={key} open={isOpen}>
      <Summary label={label} points={points} most={most} cap={cap} isCapped={isCapped} />
      <table class="rows numbers">
        <Head columns={['Step', 'Arithmetic', { num: 'Result' }]} />
        <tbody>
          {steps.map((step) => (
            <tr key={step.label}>
              <th scope="row">{step.label}</th>
              <td>
                <code>{step.arithmetic}</code>
                {step.cappedAt !== undefined && <span class="capped">cap reached</span>}
              </td>
              <td class="num">{number(step.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function History({ address, history, today }: { address: PersonAddress; history: HistoryView; today: string }) {
  const scores = new Map(history.days.map(({ date, canonicalScore }) => [date, canonicalScore]));
  const days = gainsOf(history, today);
  const gained = days.filter((day): day is CalendarDay & { gained: number } => (day.gained ?? 0) !== 0);
  const known = days.filter(({ date }) => scores.has(date));
  const size = calendarSize(days.length);
  const values = known.map(({ date }) => scores.get(date) ?? null);
  const [first, last] = [known[0]?.date, known.at(-1)?.date];
  const csv = historyPath(address.username, addDays(today, -365), today).path;
  const describe = ({ date, gained: points }: CalendarDay) =>
    `${longDate(date)}: ${points === null ? 'nothing on record' : `${withSign(points)} points`}`;
  return (
    <Card
      title="A year of points"
      id="year"
      aside={
        <a class="small" href={`${csv}&format=csv`} data-plain>
          CSV
        </a>
      }
    >
      <Figure
        id="calendar"
        title="Points gained each day"
        sentence={`${counted(gained.length, 'day')} with points in the last 53 weeks.`}
        count={days.length}
        steps={{ across: 7, down: 1 }}
        describe={(index) => (days[index] === undefined ? '' : describe(days[index]))}
        table={{
          columns: ['Day', 'Points gained'],
          rows: gained.map(({ date, gained: points }) => [longDate(date), withSign(points)]),
        }}
        {...tableIn(address, 'calendar')}
        draw={(chosen, choose) => (
          <div class="scroll-end">
            <svg class="calendar" viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
              <Calendar days={days} chosen={chosen} choose={choose} />
            </svg>
          </div>
        )}
      />
      {first !== undefined && last !== undefined && known.length > 1 && (
        <Figure
          id="score-line"
          title="Score"
          sentence={`From ${number(values[0] ?? 0)} on ${longDate(first)} to ${number(values.at(-1) ?? 0)}.`}
          count={known.length}
          describe={(index) => `${longDate(known[index]?.date ?? today)}: ${number(values[index] ?? 0)}`}
          table={{
            columns: ['Day', 'Score'],
            rows: known.map(({ date }, index) => [longDate(date), number(values[index] ?? 0)]),
          }}
          {...tableIn(address, 'score-line')}
          draw={(chosen, choose) => (
            <div class="scroll-end">
              <Lines
                lines={[{ kind: 'main', values }]}
                width={980}
                height={180}
                ends={[shortDate(first), shortDate(last)]}
                chosen={chosen}
                choose={choose}
              />
            </div>
          )}
        />
      )}
    </Card>
  );
}

const Tiers = ({ score: { tiersReached, nextTier } }: { readonly score: ScoreView }) => (
  <Card title="Tiers" id="tiers">
    {tiersReached.length === 0 && <p class="faint">The first tier is still ahead.</p>}
    <ol class="timeline">
      {tiersReached.map(({ tier, reachedAt }) => (
        <li key={tier}>
          <Tier name={tier} /> <Time iso={reachedAt} />
        </li>
      ))}
      {nextTier !== null && (
        <li class="ahead">
          <Tier name={nextTier.name} /> <span class="faint">{counted(nextTier.missing, 'point')} ahead</span>
        </li>
      )}
    </ol>
  </Card>
);

function Awards({ data: { newest } }: { readonly data: PersonData }) {
  const given = newest.ok ? newest.view.grants.filter(({ key }) => key.startsWith('award:')).slice(0, 12) : [];
  return (
    <Card title="Awards and badges" id="awards">
      {!newest.ok && <Failed what="The list" sentence={newest.sentence} />}
      {newest.ok && given.length === 0 && (
        <p class="faint">None {newest.view.next === undefined ? 'yet' : 'among the newest lines of the ledger'}.</p>
      )}
      <ul class="awards">
        {given.map((line) => (
          <li key={line.grantId}>
            <span class="num points">{withSign(line.amount)}</span>
            <span>
              <Text>{line.reason ?? line.key}</Text>
              <span class="faint small">
                {' '}
                {line.source}, {longDate(line.grantedAt)}
                {line.grantedBy === null ? '' : ', by '}
                {line.grantedBy !== null && <Text>{line.grantedBy}</Text>}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
