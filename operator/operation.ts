import { type Command, Option } from 'commander';
import * as z from 'zod';
import { check, type Fault, sentenceOf } from '../domain/shared/faults.ts';
import { ApiUrl, connect, type Connection, DEFAULT_DIRECTORY, type Target, targetOf } from './connection.ts';
import { explained } from './explained.ts';
import { type ExitCode, usageError } from './outcome.ts';
import type { Output } from './output.ts';

export type Context = {
  readonly target: Target;
  /** Reads the stack's addresses again: a restarted local stack uses other ports. */
  readonly connect: () => Connection;
  readonly output: Output;
  readonly clock: () => number;
  /** After the first call, Ctrl-C aborts this signal instead of ending the process. */
  readonly interruption: () => AbortSignal;
};

export type Runtime = {
  readonly output: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: () => number;
  readonly interruption: () => AbortSignal;
  readonly end: (code: ExitCode) => void;
};

type OperationSpec<Shape extends z.ZodRawShape> = {
  /** In commander's syntax: `award <username> <points>`. */
  readonly usage: string;
  readonly alias?: string;
  readonly summary: string;
  readonly options?: readonly Option[];
  /** Printed after the list of options: details and examples. */
  readonly help: string;
  /** The schema of the arguments and options, by their names in camel case. */
  readonly input: Shape;
  readonly run: (context: Context, input: z.output<z.ZodObject<Shape>>) => Promise<ExitCode>;
};

const TargetShape = z.object({
  local: z.union([z.string().min(1), z.literal(true)], 'expected a directory').optional(),
  stage: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, 'expected 1 to 20 of a-z 0-9 -, starting with a letter')
    .optional(),
  url: ApiUrl.optional(),
});

/** Read by `bin/laurel.ts`, before the rules are loaded. */
export const communityOption = () =>
  new Option('--community <directory>', 'the folder of the community (LAUREL_COMMUNITY), instead of community/');

/**
 * Adds a command that works on a stack. All such commands share the options that select the stack and the community, and
 * --json.
 */
export function addOperation<Shape extends z.ZodRawShape>(
  parent: Command,
  runtime: Runtime,
  spec: OperationSpec<Shape>,
): void {
  const command = parent.command(spec.usage).description(spec.summary);
  if (spec.alias !== undefined) command.alias(spec.alias);
  for (const option of spec.options ?? []) command.addOption(option);
  command
    .addOption(
      new Option(
        '--local [directory]',
        `a stack that \`npm start\` runs, by its data directory (${DEFAULT_DIRECTORY})`,
      ),
    )
    .addOption(new Option('--stage <stage>', 'a deployed stack; AWS credentials and region as for the AWS CLI'))
    .addOption(
      new Option('--url <url>', 'the address of the deployed API (LAUREL_URL), with its key in LAUREL_ADMIN_KEY'),
    )
    .addOption(communityOption())
    .addOption(new Option('--json', 'one JSON document on stdout; progress and notes go to stderr'))
    .addHelpText('after', `\n${spec.help.trim()}\n`)
    .action(async () => {
      const given = Object.fromEntries(
        command.registeredArguments.map((argument, index): [string, unknown] => [
          camelCase(argument.name()),
          command.processedArgs[index],
        ]),
      );
      const options = command.opts<Record<string, unknown>>();
      const target = targetOf(parseUsage(TargetShape, options, command), runtime.environment);
      const input = parseUsage(z.object(spec.input), { ...options, ...given }, command);
      const { output, clock, interruption } = runtime;
      try {
        runtime.end(await spec.run({ target, connect: () => connect(target), output, clock, interruption }, input));
      } catch (error) {
        throw explained(error, target);
      }
    });
}

/** Faults carry the name as it was typed: `points`, `--shift-to-today`. */
function parseUsage<Schema extends z.ZodType>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
  command: Command,
): z.output<Schema> {
  const checked = check(schema, given, 'options');
  if (checked.ok) return checked.value;
  const asTyped = ({ field, expected }: Fault): Fault => {
    const [name = field] = field.split('.');
    return {
      field: command.options.find((option) => option.attributeName() === name)?.long ?? name,
      // A part of a list, `usernames.1`, is not found in the text that was typed.
      expected: given[name] === undefined ? expected : expected.replace(/^missing, /, ''),
    };
  };
  throw usageError(sentenceOf(checked.error.map(asTyped)));
}

const camelCase = (name: string) => name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());

/** Parses a whole number from the command line. */
export const wholeNumber = (least: number, most: number) => {
  const expected = `expected a whole number from ${least} to ${most}`;
  return z.string().regex(/^\d+$/, expected).transform(Number).pipe(z.int().min(least, expected).max(most, expected));
};

/** Parses `a,b`. */
export const commaList = z.string().transform((text) => text.split(',').map((part) => part.trim()));
