import { hrefOf, type RulesAddress } from '../address.ts';
import { rulesInForce, type Answer, type Rules, type RulesAnswer } from '../api.ts';
import { activityOf, ONE } from '../../domain/rules/activity.ts';
import { counted, number, percent } from '../format.ts';
import { Card, Failed, Head, Text, Tier, Time } from './pieces.tsx';

type Props = { readonly address: RulesAddress; readonly data: { readonly rules: Answer<RulesAnswer> } };

export function RulesPage({ address, data: { rules: answer } }: Props) {
  if (!answer.ok) {
    return (
      <>
        <h1>Rules</h1>
        <Failed what="The rules" sentence={answer.sentence} />
      </>
    );
  }
  const rules = rulesInForce(answer);
  if (rules === undefined) return <Failed what="The rules" sentence="No version is in force." />;
  return (
    <>
      <div class="heading">
        <div>
          <h1>How points work</h1>
          <p class="faint">Version {rules.version} of the rules. A score is the sum of everything on this page.</p>
        </div>
      </div>
      <Activity rules={rules} />
      <Example address={address} rules={rules} />
      <div class="grid">
        <Kinds rules={rules} />
        <Tiers rules={rules} />
      </div>
      <Versions view={answer.view} />
    </>
  );
}

const Row = ({
  title,
  what,
  points,
  cap,
}: {
  title: string;
  what?: string;
  points: number;
  cap?: number | undefined;
}) => (
  <tr>
    <th scope="row">
      {title}
      {what !== undefined && <span class="faint small"> {what}</span>}
    </th>
    <td class="num">{number(points)}</td>
    <td class="num">{cap === undefined ? 'no cap' : number(cap)}</td>
  </tr>
);

function Activity({ rules: { activity } }: { readonly rules: Rules }) {
  const { groups, otherCommands, diversityPoints, streak, window } = activity;
  return (
    <Card title="Activity in the tool" id="activity">
      <table class="rows numbers">
        <Head columns={['What', { num: 'Points for each command' }, { num: 'Cap' }]} />
        <tbody>
          {groups.map(({ name, commands, points, cap }) => (
            <Row key={name} title={name} what={commands.join(', ')} points={points} cap={cap} />
          ))}
          <Row title="other" what="every other command" points={otherCommands.points} cap={otherCommands.cap} />
        </tbody>
      </table>
      <ul class="plain">
        <li>
          <strong>Diversity:</strong> {counted(diversityPoints, 'point')} for each group that is used; other commands do
          not count.
        </li>
        <li>
          <strong>Streak:</strong> {percent(streak.basisPointsPerDay / ONE)} for each active day in a row, up to{' '}
          {percent(streak.maximum / ONE)}.
        </li>
        <li>
          <strong>Steadiness:</strong> up to {percent(window.basisPoints / ONE)} for being active on all of the last{' '}
          {counted(window.days, 'day')}, in proportion.
        </li>
      </ul>
      <p class="formula">
        <code>(commands + diversity) × streak × steadiness</code>, rounded down.
      </p>
    </Card>
  );
}

/** The formula with numbers of the reader's own: they are in the address, so the example can be shared. */
function Example({ address: { inputs }, rules: { activity } }: { address: RulesAddress; rules: Rules }) {
  const { groups, otherCommands, window, streak } = activity;
  const fields = [
    ...groups.map(({ name }, index) => ({
      id: name,
      label: `${name} commands`,
      value: inputs[name] ?? 20 - 5 * index,
    })),
    { id: 'other', label: 'other commands', value: inputs.other ?? 10 },
    { id: 'streak', label: 'days in a row', value: inputs.streak ?? 5 },
    { id: 'days', label: `active of ${window.days} days`, value: Math.min(window.days, inputs.days ?? 14) },
  ];
  const valueOf = (id: string) => Math.max(0, fields.find((field) => field.id === id)?.value ?? 0);
  const result = activityOf(
    {
      groups: new Map(groups.map(({ name }) => [name, valueOf(name)])),
      otherCommands: valueOf('other'),
      streak: valueOf('streak'),
      rollingDays: valueOf('days'),
    },
    activity,
  );
  const capped = [...groups, { ...otherCommands, name: 'other' }].filter(
    ({ name, points, cap }) => points * valueOf(name) > cap,
  );
  return (
    <Card title="Try it" id="example">
      <form action="/rules" method="get" class="rule-form">
        {fields.map(({ id, label, value }) => (
          <div key={id}>
            <label for={`in-${id}`}>{label}</label>
            <input
              id={`in-${id}`}
              name={id}
              type="number"
              min="0"
              max={id === 'days' ? window.days : 999_999}
              value={value}
            />
          </div>
        ))}
        <button type="submit">Compute</button>
      </form>
      <p class="formula" role="status">
        <code>
          ({number(result.base)} + {number(result.diversity)}) × {result.streakBasisPoints / ONE} ×{' '}
          {result.rollingBasisPoints / ONE}
        </code>{' '}
        = <strong class="big">{number(result.points)}</strong> points
      </p>
      <p class="small faint">
        {capped.length > 0 && `Cap reached: ${capped.map(({ name }) => name).join(', ')}. `}
        {streak.basisPointsPerDay * valueOf('streak') > streak.maximum && 'The streak counts no further. '}
        <a href={hrefOf({ page: 'rules', inputs: {} })}>Begin again</a>
      </p>
    </Card>
  );
}

const Kinds = ({ rules: { events, publishes, pulls } }: { readonly rules: Rules }) => (
  <Card title="Everything else" id="kinds">
    <table class="rows numbers">
      <Head columns={['What', { num: 'Points for each' }, { num: 'Cap' }]} />
      <tbody>
        <Row title="Versions published" {...publishes} />
        <Row title="Pulls by others" {...pulls} />
        {events.map(({ event, label, points, cap, capPer = 'all' }) => (
          <Row
            key={event}
            title={label}
            points={points}
            cap={cap}
            {...(cap === undefined || capPer === 'all' ? {} : { what: `cap for each ${capPer}` })}
          />
        ))}
      </tbody>
    </table>
    <p class="small faint">Awards and badges count as many points as they were given with.</p>
  </Card>
);

const Tiers = ({ rules: { tiers } }: { readonly rules: Rules }) => (
  <Card title="Tiers" id="tiers">
    <ol class="timeline">
      {tiers.map(({ name, from }) => (
        <li key={name}>
          <Tier name={name} /> from {counted(from, 'point')}
        </li>
      ))}
    </ol>
  </Card>
);

/** The parts of a version by name, so that two versions can be compared. A part that a version does not have is missing. */
function partsOf({ activity, events, publishes, pulls, tiers }: Rules): ReadonlyMap<string, string> {
  const { groups, otherCommands, diversityPoints, streak, window } = activity;
  type Scored = { readonly points: number; readonly cap?: number | undefined; readonly capPer?: string | undefined };
  const scored = (name: string, { points, cap, capPer = 'all' }: Scored) =>
    [
      [`${name}: points`, number(points)],
      [`${name}: cap`, cap === undefined ? 'none' : `${number(cap)}${capPer === 'all' ? '' : ` each ${capPer}`}`],
    ] as const;
  return new Map<string, string>([
    ...groups.flatMap((group) => [
      [`${group.name}: commands`, group.commands.join(', ')] as const,
      ...scored(group.name, group),
    ]),
    ...scored('other commands', otherCommands),
    ['diversity: points', number(diversityPoints)],
    ['streak: each day', percent(streak.basisPointsPerDay / ONE)],
    ['streak: at most', percent(streak.maximum / ONE)],
    ['steadiness: days', number(window.days)],
    ['steadiness: at most', percent(window.basisPoints / ONE)],
    ...scored('versions published', publishes),
    ...scored('pulls by others', pulls),
    ...events.flatMap((event) => scored(event.label, event)),
    ...tiers.map(({ name, from }) => [`tier ${name}: from`, number(from)] as const),
  ]);
}

function changesBetween(before: Rules, after: Rules): readonly string[] {
  const [old, now] = [partsOf(before), partsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => `${name} ${old.get(name) ?? 'nothing'} → ${now.get(name) ?? 'nothing'}`);
}

function Versions({ view: { versions, inForce } }: { readonly view: RulesAnswer }) {
  return (
    <Card title="Versions" id="versions">
      <ol class="timeline">
        {versions.map(({ version, since, rules }, index) => {
          const before = versions[index - 1];
          const changes = before === undefined ? [] : changesBetween(before.rules, rules);
          return (
            <li key={version}>
              <strong>
                Version <Text>{version}</Text>
              </strong>{' '}
              {version === inForce && <span class="you-mark">in force</span>}{' '}
              <span class="faint">
                {since === null ? (
                  'never in force'
                ) : (
                  <>
                    since <Time iso={since} />
                  </>
                )}
              </span>
              {before !== undefined && (
                <ul class="plain small">
                  {changes.map((change) => (
                    <li key={change}>{change}</li>
                  ))}
                  {changes.length === 0 && <li>The same numbers as version {before.version}.</li>}
                </ul>
              )}
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
