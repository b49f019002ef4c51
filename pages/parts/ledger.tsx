import { useState } from 'preact/hooks';
import type { GrantsView } from '../../domain/grants/views.ts';
import type { ScoreView } from '../../domain/scoring/views.ts';
import { hrefOf, type PersonAddress } from '../address.ts';
import { grantsPath, type Answer } from '../api.ts';
import { counted, number, withSign } from '../format.ts';
import { checkLedger, type LedgerReport } from '../check-ledger.ts';
import { Card, Failed, Head, Text, Time, useSurroundings } from './pieces.tsx';

type Props = { readonly address: PersonAddress; readonly grants: Answer<GrantsView>; readonly score: ScoreView };

/** The ledger page by page, and its proof. */
export function Ledger({ address, grants, score }: Props) {
  const csv = grantsPath(address.username, { limit: 1_000, format: 'csv' });
  const aside = (
    <a class="small" href={csv.path} data-plain>
      CSV
    </a>
  );
  return (
    <Card title="Ledger" id="ledger" aside={aside}>
      <p class="faint small">
        Every grant is one line of a chain: each line's hash covers the line before.{' '}
        {counted(score.balance.grants, 'line')}, {counted(score.balance.totalScore, 'point')}.
      </p>
      <Check username={address.username} />
      {grants.ok ? (
        <Lines address={address} grants={grants.view} />
      ) : (
        <Failed what="The ledger" sentence={grants.sentence} />
      )}
    </Card>
  );
}

function Lines({ address, grants: { grants, next } }: { address: PersonAddress; grants: GrantsView }) {
  if (grants.length === 0) return <p>No line yet.</p>;
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Lines of the ledger">
        <table class="rows">
          <Head columns={[{ num: 'Line' }, 'Date', 'What for', { num: 'Points' }, { num: 'Balance' }, 'Hash']} />
          <tbody>
            {grants.map((line) => (
              <tr key={line.grantId}>
                <td class="num">{number(line.seq)}</td>
                <td class="time">
                  <Time iso={line.grantedAt} />
                </td>
                <th scope="row">
                  <Text>{line.reason ?? line.key}</Text>
                  {line.reason !== null && (
                    <span class="faint small">
                      {' '}
                      <Text>{line.key}</Text>
                    </span>
                  )}
                </th>
                <td class={`num ${line.amount < 0 ? 'down' : ''}`}>{withSign(line.amount)}</td>
                <td class="num">{number(line.balanceAfter)}</td>
                <td>
                  <code title={line.hash}>{line.hash.slice(0, 8)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <nav class="pager" aria-label="Pages of the ledger">
        {address.cursor !== undefined && (
          <a href={hrefOf({ ...address, cursor: undefined })} data-keep-scroll>
            Newest lines
          </a>
        )}
        {next !== undefined && (
          <a rel="next" href={hrefOf({ ...address, cursor: next })} data-keep-scroll>
            Older lines
          </a>
        )}
      </nav>
    </>
  );
}

type Checking =
  | { readonly is: 'idle' }
  | { readonly is: 'running'; readonly lines: number }
  | { readonly is: 'done'; readonly report: LedgerReport };

/** Proves the ledger in the reader's own browser: the server is not asked whether it is right, only for the lines. */
function Check({ username }: { readonly username: string }) {
  const { isLive, get } = useSurroundings();
  const [checking, become] = useState<Checking>({ is: 'idle' });
  const audit = `/v1/scores/${encodeURIComponent(username)}/audit`;
  if (!isLive || get === undefined) {
    return (
      <p class="small">
        <a href={audit}>Let the server check this ledger</a>; with scripts, your own browser does.
      </p>
    );
  }
  const start = async () => {
    become({ is: 'running', lines: 0 });
    const report = await checkLedger(username, get, (lines) => become({ is: 'running', lines }));
    become({ is: 'done', report });
  };
  return (
    <div class="check">
      <button type="button" onClick={() => void start()} disabled={checking.is === 'running'}>
        Check this ledger
      </button>
      <div role="status">
        {checking.is === 'running' && <p>Checked {counted(checking.lines, 'line')} so far…</p>}
        {checking.is === 'done' && <Report report={checking.report} />}
      </div>
    </div>
  );
}

function Report({ report }: { readonly report: LedgerReport }) {
  if (report.failed !== undefined) return <p class="notice failed">It could not be checked. {report.failed}</p>;
  if (report.faults.length === 0) {
    return (
      <p class="notice proven">
        <strong>The chain is whole.</strong> {counted(report.lines, 'line')} with {counted(report.sum, 'point')},
        computed again from first to last in this browser.
      </p>
    );
  }
  return (
    <div class="notice failed">
      <p>
        <strong>The chain is broken.</strong> {counted(report.lines, 'line')} checked.
      </p>
      <ul>
        {report.faults.slice(0, 20).map(({ seq, sentence }) => (
          <li key={`${seq} ${sentence}`}>
            Line {number(seq)}: {sentence}
          </li>
        ))}
      </ul>
    </div>
  );
}
