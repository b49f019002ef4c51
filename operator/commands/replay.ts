import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { dateOf, RequestDate } from '../../domain/shared/utc.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, usageError } from '../outcome.ts';
import { daysBetween, summarize } from '../recording.ts';
import { keysFor, readKeysFile, replay, stateFile, stateFor } from '../replay.ts';

/** Adds `replay`. */
export function addReplayCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'replay <file>',
    summary: 'send recorded telemetry, resumable',
    options: [
      new Option('--keys <file>', 'JSON {username: key}; for others, keys are made with the admin key'),
      new Option('--state <file>', 'where it keeps how far it came (FILE.replay), and the keys it made (.keys)'),
      new Option('--restart', 'from the first request again; what was sent before counts as duplicates'),
      new Option(
        '--shift-to-today [date]',
        "move all times by whole days, so that this date of the recording, or its last event's, is today",
      ),
    ],
    help: `
File is .ndjson or .ndjson.gz, a request a line: {"path", "key": username or null, "headers", "body"}; the sample's form
{"username", "events"} is read too. Requests are sent one by one in their order. Stopped, killed or cut off, the same
command goes on where it was, with the same shift, and nothing counts twice. Exits with ${EXIT.found} where requests were refused
with 4xx or events rejected.

  laurel replay examples/community.ndjson.gz --shift-to-today
  laurel replay recording.ndjson --stage dev --keys keys.json --json
`,
    input: {
      file: z.string(),
      keys: z.string().optional(),
      state: z.string().optional(),
      restart: z.boolean().default(false),
      shiftToToday: z.union([RequestDate, z.literal(true)], 'expected a date such as 2026-08-21').optional(),
    },
    async run({ connect, output, clock, interruption }, { file, keys, state: statePath, restart, shiftToToday }) {
      if (!existsSync(file)) throw usageError(`file: there is no ${file}`);
      const connection = connect();
      const http = connection.http();
      const summary = await summarize(file);
      const kept = stateFile(statePath ?? `${file}.replay`);
      if (restart) kept.restart();
      const state = stateFor(kept.load(), summary, connection, () => {
        if (shiftToToday === undefined) return 0;
        const date = shiftToToday === true ? summary.lastDate : shiftToToday;
        return date === undefined ? 0 : daysBetween(date, dateOf(clock()));
      });
      const given = keys === undefined ? {} : readKeysFile(keys);
      const isLeft = state.sent < summary.requests;
      const usable = isLeft ? await keysFor(http, summary.usernames, given, kept) : new Map<string, string>();

      const bar = output.progress('replay', summary.requests);
      bar.update(state.sent);
      const { baseUrl } = http;
      const end = await replay({
        file,
        baseUrl,
        keys: usable,
        state,
        save: kept.save,
        onSent: ({ sent, counts }) => bar.update(sent, { state: `${counts.accepted} events accepted` }),
        signal: interruption(),
      }).finally(() => bar.stop());

      const { sent, counts, shiftDays } = end;
      const isDone = sent === summary.requests;
      const refused = Object.values(counts.refused).reduce((sum, count) => sum + count, 0);
      output.result(
        { requests: summary.requests, sent, resumedAt: state.sent, done: isDone, shiftDays, ...counts },
        `${sent} of ${summary.requests} requests sent: ${counts.accepted} events accepted, ${counts.duplicates} duplicates, ` +
          `${counts.rejected} rejected; ${refused} requests refused`,
      );
      if (!isDone) {
        output.note('Stopped. The same command goes on from here.');
        return EXIT.interrupted;
      }
      if (!isLeft) output.note('All of it had been sent before; --restart sends it again, as duplicates.');
      return refused > 0 || counts.rejected > 0 ? EXIT.found : EXIT.ok;
    },
  });
}
