import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { type Connection, FUNCTION_ROLES } from '../connection.ts';
import { type LogLine, openLogs } from '../logs.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { counted } from '../output.ts';

const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(?<count>[1-9]\d{0,5})(?<unit>[smhd])$/u;
const EXPECTED = 'expected 30s, 10m, 2h or 3d, or a time such as 2026-08-21T13:00:00Z';
/** The most lines that are shown at once: the newest ones. */
const MAX_LINES = 10_000;
const POLL_MS = 1_000;

/** Milliseconds since the epoch, for a number of milliseconds ago or a time. */
const Since = z.string().transform((text, context): ((now: number) => number) => {
  const { count, unit } = DURATION.exec(text)?.groups ?? {};
  if (unit === 's' || unit === 'm' || unit === 'h' || unit === 'd') return (now) => now - Number(count) * UNITS[unit];
  const at = z.iso.datetime({ offset: true }).safeParse(text).success ? Date.parse(text) : NaN;
  if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: EXPECTED });
  return () => at;
});

/** Adds `logs`. */
export function addLogsCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'logs [function]',
    summary: 'show what the functions wrote into their logs',
    options: [
      new Option('--since <time>', 'how far back: 30s, 10m, 2h, 3d, or a time in ISO 8601').default('1h'),
      new Option('--follow', 'also show new lines as they are written, until Ctrl-C'),
    ],
    help: `
Function is a role: ${FUNCTION_ROLES.slice(0, 3).join(', ')} … ; without it, the logs of all functions are shown, in the order of
time. Most lines are JSON. A stack trace names the file and the line of the source. Control characters are shown escaped. At
most ${MAX_LINES} lines are shown at once, the newest ones.

  laurel logs
  laurel logs refresh-score --since 10m --follow
  laurel logs read-api --stage prod --since 2026-08-21T13:00:00Z --json | jq -r '.lines[].text'
`,
    input: {
      function: z.string().optional(),
      since: Since,
      follow: z.boolean().default(false),
      json: z.boolean().default(false),
    },
    async run({ connect, output, clock, interruption }, { function: role, since, follow, json }) {
      if (follow && json) throw usageError('--follow does not end, so it cannot print one JSON document: choose one');
      const connection = connect();
      const logs = openLogs(connection, rolesOf(connection, role), since(clock()));
      const textOf = (lines: readonly LogLine[]) =>
        lines.map(({ function: from, text }) => (role === undefined ? `${from}  ${text}` : text)).join('\n');
      const all = await logs.read();
      const lines = all.slice(-MAX_LINES);
      if (all.length > lines.length) output.note(`${counted(all.length - lines.length, 'older line')} left out`);
      if (!follow) {
        output.result({ lines }, lines.length === 0 ? 'no lines in that time' : textOf(lines));
        return EXIT.ok;
      }
      const signal = interruption();
      for (let more = lines; !signal.aborted; more = [...(await logs.read())]) {
        if (more.length > 0) output.result({ lines: more }, textOf(more));
        await sleep(POLL_MS, undefined, { signal }).catch(() => undefined);
      }
      return EXIT.interrupted;
    },
  });
}

function rolesOf({ functions }: Connection, role: string | undefined): readonly string[] {
  if (role === undefined) return functions;
  if (functions.includes(role)) return [role];
  throw usageError(`there is no function ${role}. There are ${functions.toSorted().join(', ')}`);
}
