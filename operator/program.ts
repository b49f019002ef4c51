import { Command } from 'commander';
import { addBackfillCommand } from './commands/backfill.ts';
import { addConsistencyCommand } from './commands/consistency.ts';
import { addDeadLetterCommands } from './commands/dead-letters.ts';
import { addDiscardCommand } from './commands/discard.ts';
import { addKeyCommands } from './commands/keys.ts';
import { addLedgerCommands } from './commands/ledger.ts';
import { addReplayCommand } from './commands/replay.ts';
import { addShadowReportCommand } from './commands/shadow-report.ts';
import { addStatusCommand } from './commands/status.ts';
import type { Runtime } from './operation.ts';
import { EXIT } from './outcome.ts';

/** The operator's command with all of its parts. It throws `CommanderError` instead of ending the process. */
export function operatorProgram(runtime: Runtime): Command {
  const program = new Command('laurel')
    .description('Sees what a stack of Laurel is doing, and mends it.')
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .addHelpText(
      'after',
      `
Each command acts on the local stack of this directory, unless --local DIRECTORY or --stage STAGE says another; a
deployed stack's API is reached by --url or LAUREL_URL, with the admin key in LAUREL_ADMIN_KEY.

Exit codes: ${EXIT.ok} it went well; ${EXIT.failed} it failed; ${EXIT.usage} the command line asks for what cannot be; ${EXIT.found} it went well and
found what somebody must look at (dead letters, a wrong ledger, refused requests); ${EXIT.interrupted} Ctrl-C.

  laurel status                                 what is going on
  laurel dead-letters                           what could not be handled, and why
  laurel redrive score-refresh                  once it is mended: try again
  laurel backfill --mode stale                  score again whoever is behind
  laurel award ada 50 --id hack-26 --reason 'Won the hackathon'`,
    );
  addStatusCommand(program, runtime);
  addDeadLetterCommands(program, runtime);
  addDiscardCommand(program, runtime);
  addBackfillCommand(program, runtime);
  addLedgerCommands(program, runtime);
  addShadowReportCommand(program, runtime);
  addConsistencyCommand(program, runtime);
  addKeyCommands(program, runtime);
  addReplayCommand(program, runtime);
  return program;
}
