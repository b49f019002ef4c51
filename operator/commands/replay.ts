import { type Command, Option } from 'commander';
import * as z from 'zod';
import { dateOf, RequestDate } from '../../domain/shared/utc.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';
import { daysBetween, summarize } from '../recording.ts';
import { keysFor, readKeysFile, replay, stateFile, stateFor } from '../replay.ts';

/** Adds `replay`. */
export function addReplayCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'replay <file>',
    summary: 'send recorded telemetry; it can be resumed',
    options: [
      new Option('--keys <file>', 'a JSON file {username: key}; other keys are created with the admin key'),
      new Option('--state <file>', 'the file for progress (default FILE.replay) and for created keys (.keys)'),
      new Option('--restart', 'start again at the first request; events that were sent before count as duplicates'),
      new Option(
        '--shift-to-today [date]',
        'move all times by whole days, so that this date of the recording, or the date of its last event, becomes today',
      ),
    ],
    help: `
File is .ndjson or .ndjson.gz with one request per line: {"path", "key": username or null, "headers", "body"}. The
format {"username", "events"} also works. Requests are sent one by one, in order. After an interruption, the same command
continues with the same shift, and nothing counts twice. Exits with ${EXIT.found} if requests were refused with 4xx, or
events were rejected.

  laurel replay recording.ndjson.gz --shift-to-today
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
      const summary = await summarize(file);
      const connection = connect();
      const http = connection.http();
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
        output.note('Stopped. The same command continues from here.');
        return EXIT.interrupted;
      }
      if (!isLeft) output.note('Everything had already been sent; --restart sends it again, as duplicates.');
      return refused > 0 || counts.rejected > 0 ? EXIT.found : EXIT.ok;
    },
  });
}
