import { Command } from 'commander';
import { addBackfillCommand } from './commands/backfill.ts';
import { addCommunityCommands } from './commands/community.ts';
import { addConsistencyCommand } from './commands/consistency.ts';
import { addDeadLetterCommands } from './commands/dead-letters.ts';
import { addDiscardCommand } from './commands/discard.ts';
import { addExportCsvCommand } from './commands/export-csv.ts';
import { addImportCommand } from './commands/import.ts';
import { addKeyCommands } from './commands/keys.ts';
import { addLedgerCommands } from './commands/ledger.ts';
import { addSourceCommands } from './commands/sources.ts';
import { addRulesCommands } from './commands/rules.ts';
import { addLogsCommand } from './commands/logs.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addShadowReportCommand } from './commands/shadow-report.ts';
import { addStatusCommand } from './commands/status.ts';
import { addUserCommands } from './commands/users.ts';
import type { Runtime } from './operation.ts';
import { EXIT } from './outcome.ts';

/**
 * Builds the operator's command with all subcommands. On a usage error it throws `CommanderError` instead of ending the
 * process.
 */
export function operatorProgram(runtime: Runtime): Command {
  const program = new Command('laurel')
    .description('Shows the state of a Laurel stack, and repairs it.')
    .exitOverride()
    .showHelpAfterError('(see --help)')
    .addHelpText(
      'after',
      `
Each command works on the local stack of this directory, unless --local DIRECTORY or --stage STAGE selects another one.
The address of a deployed stack's API is set by --url or LAUREL_URL, its admin key by LAUREL_ADMIN_KEY.

Exit codes: ${EXIT.ok} success; ${EXIT.failed} failure; ${EXIT.usage} invalid command line; ${EXIT.found} success, but something needs attention (dead letters,
a wrong ledger, refused requests); ${EXIT.interrupted} Ctrl-C.

  laurel status                                 the state of the stack
  laurel logs refresh-score --since 10m         what a function wrote
  laurel dead-letters                           messages that failed too often, and why
  laurel redrive score-refresh                  after the fix: try again
  laurel backfill --mode stale                  update outdated scores
  laurel award ada 50 --id hack-26 --reason 'Won the hackathon'`,
    );
  addStatusCommand(program, runtime);
  addLogsCommand(program, runtime);
  addDeadLetterCommands(program, runtime);
  addDiscardCommand(program, runtime);
  addBackfillCommand(program, runtime);
  addLedgerCommands(program, runtime);
  addShadowReportCommand(program, runtime);
  addConsistencyCommand(program, runtime);
  addKeyCommands(program, runtime);
  addReplayCommand(program, runtime);
  addImportCommand(program, runtime);
  addSourceCommands(program, runtime);
  addExportCsvCommand(program, runtime);
  addRulesCommands(program, runtime);
  addCommunityCommands(program, runtime);
  addUserCommands(program, runtime);
  return program;
}
