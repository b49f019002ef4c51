import { type Command, Option } from 'commander';
import * as z from 'zod';
import {
  fingerprintOf,
  importEvents,
  knownEventsOf,
  nothingYet,
  type Progress,
  progressFile,
  type Refused,
  refusalsFile,
} from '../import.ts';
import { hintOf } from '../connection.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT } from '../outcome.ts';
import { counted } from '../output.ts';

/** Refused lines that are shown; all of them are in the report. */
const SHOWN = 10;
const EXPECTED_MAP = 'expected FIELD=COLUMN, and a comma between two';

const ColumnMap = z
  .string()
  .regex(/^[^=,]+=[^=,]+(?:,[^=,]+=[^=,]+)*$/u, EXPECTED_MAP)
  .transform((text) => {
    const pairs = text.split(',').map((pair) => pair.split('=').map((part) => part.trim()));
    return new Map(pairs.map(([field = '', column = '']) => [field, column]));
  });

/** Adds `import`. */
export function addImportCommand(program: Command, runtime: Runtime): void {
  addOperation(program, runtime, {
    usage: 'import <file>',
    summary: 'import the past: events, publishes, pulls, awards and badges of any age, each once',
    options: [
      new Option('--dry-run', 'judge every line and write nothing; what happens without --yes').conflicts('yes'),
      new Option('--yes', 'write'),
      new Option('--map <fields>', 'columns of a CSV file that have other names: FIELD=COLUMN,FIELD=COLUMN'),
      new Option('--format <format>', 'ndjson or csv, where the name of the file does not tell').choices([
        'ndjson',
        'csv',
      ]),
      new Option('--report <file>', 'the file for refused lines (default FILE.refused)'),
      new Option('--restart', 'start again at the first line; what was sent before counts as duplicates'),
    ],
    help: `
File is .ndjson with one event per line as /ingest takes it, or .csv with a header row; either may be compressed (.gz).
Each event has a timestamp of its own. properties.username names its account, also for telemetry. extension_published
records the version (extension_name, version, username or collective, content_hash?, channel?). The columns of a CSV file
are event, timestamp, distinct_id, insert_id and properties such as username, points or invocation.command.

Put publishes before the pulls of their versions. An interrupted import goes on where it was. Whatever was there already,
by an import, a client or a server, is a duplicate. Exits with ${EXIT.found} if lines were refused.

  laurel import history.ndjson
  laurel import history.ndjson --yes
  laurel import members.csv --map username=login,timestamp=joined_at --yes
`,
    input: {
      file: z.string(),
      dryRun: z.literal(true).optional(),
      yes: z.literal(true).optional(),
      map: ColumnMap.optional(),
      format: z.enum(['ndjson', 'csv']).optional(),
      report: z.string().optional(),
      restart: z.boolean().default(false),
    },
    async run({ connect, output, clock, interruption, target }, { file, yes, map, format, report, restart }) {
      const isDryRun = yes !== true;
      const isCsv = format === undefined ? /\.csv(?:\.gz)?$/iu.test(file) : format === 'csv';
      const onMark = () => output.note(`line 1: ${file} begins with a byte order mark, which is skipped`);
      const source = { file, isCsv, columnOf: map ?? new Map<string, string>(), onMark };
      const fingerprint = fingerprintOf(source);
      const connection = connect();
      const http = connection.http();
      const kept = progressFile(`${file}.import`);
      if (restart) kept.end();
      const fresh = nothingYet(fingerprint, connection.identity);
      const begin = isDryRun ? fresh : kept.load(fresh);
      const path = report ?? `${file}.refused`;
      const refusals = refusalsFile(path, begin.reportBytes);
      let shown = 0;
      const onRefused = (refused: Refused) => {
        refusals.add(refused);
        shown += 1;
        if (shown <= SHOWN) output.note(`line ${refused.line}: ${refused.error}`);
      };

      const bar = output.progress(isDryRun ? 'dry run' : 'import', 0);
      const end = await importEvents({
        ...{ source, http, isDryRun, begin, onRefused },
        known: await knownEventsOf(http),
        now: clock(),
        flushReport: refusals.flush,
        onProgress(progress) {
          if (!isDryRun) kept.save(progress);
          bar.update(progress.line, { state: `lines, ${progress.accepted + progress.duplicates} events` });
        },
        signal: interruption(),
      }).finally(() => bar.stop());

      const isInterrupted = interruption().aborted;
      if (!isInterrupted && !isDryRun) kept.end();
      const { line: lines, accepted, duplicates, refused, from, to } = end;
      output.result(
        {
          dryRun: isDryRun,
          done: !isInterrupted,
          lines,
          accepted,
          duplicates,
          refused,
          from,
          to,
          report: refused > 0 ? path : null,
        },
        textOf(end, isDryRun) + (refused > 0 ? `; the refused ones are in ${path}` : ''),
      );
      if (isInterrupted) {
        output.note(
          `Stopped. ${isDryRun ? 'A dry run starts from the beginning' : 'The same command continues from here'}.`,
        );
        return EXIT.interrupted;
      }
      if (isDryRun) output.note(`Nothing was written. To write it: ${hintOf(target, `import ${file} --yes`)}`);
      else if (from !== null) {
        const days = `--from ${from} --to ${to ?? from}`;
        output.note(`To show it in histories: ${hintOf(target, `backfill --mode history ${days}`)}`);
      }
      return refused > 0 ? EXIT.found : EXIT.ok;
    },
  });
}

function textOf({ line, accepted, duplicates, refused }: Progress, isDryRun: boolean): string {
  const read = `${counted(line, 'line')} read`;
  if (isDryRun) return `${read}: ${counted(accepted, 'event')} can be imported, ${refused} refused`;
  return `${read}: ${counted(accepted, 'event')} accepted, ${counted(duplicates, 'duplicate')}, ${refused} refused`;
}
