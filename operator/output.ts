import { createInterface } from 'node:readline/promises';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { withEscapes } from '../domain/shared/text.ts';

/**
 * Writes the result to stdout, once, and everything else to stderr. Texts come from other people and may contain
 * terminal control characters, so these are escaped, except the line breaks of our own text.
 */
export type Output = {
  /** Prints the result: `value` with --json, otherwise the text. */
  result(value: unknown, text: string): void;
  note(text: string): void;
  progress(what: string, total: number): Progress;
  /** Asks at a terminal. Without a terminal it returns true, because the author of the script has decided. */
  confirm(question: string): Promise<boolean>;
  /** Asks for a text at a terminal. Elsewhere, and for an empty answer, it is the usual one. */
  ask(question: string, usual: string): Promise<string>;
};

export type Progress = {
  update(done: number, more?: { readonly total?: number; readonly state?: string }): void;
  stop(): void;
};

export function terminalOutput(options: { readonly json: boolean }): Output {
  const bars = new Set<SingleBar>();
  return {
    result(value, text) {
      for (const bar of bars) bar.stop();
      process.stdout.write(`${linesOf(options.json ? JSON.stringify(value, undefined, 2) : text)}\n`);
    },
    note(text) {
      process.stderr.write(`${linesOf(text)}\n`);
    },
    async confirm(question) {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return true;
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      const asked = terminal.question(`${question} [y/N] `).catch(() => 'no'); // Ctrl-C
      const answer = await asked.finally(() => terminal.close());
      return /^y(es)?$/i.test(answer.trim());
    },
    async ask(question, usual) {
      if (!process.stdin.isTTY || !process.stderr.isTTY) return usual;
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await terminal.question(`${question} [${usual}] `).finally(() => terminal.close());
      return answer.trim() === '' ? usual : answer.trim();
    },
    progress(what, total) {
      const bar = new SingleBar({
        stream: process.stderr,
        format: `${what} {bar} {done} {state}`,
        barsize: 30,
        hideCursor: true,
        // A pipe or a log file gets a line every few seconds instead of a bar.
        noTTYOutput: !options.json,
        notTTYSchedule: 5_000,
        gracefulExit: false, // the command handles signals itself
      });
      let state = '';
      // With a total of 0 the bar would look full before the total is known.
      const figures = (done: number) => ({ done: total > 0 ? `${done}/${total}` : `${done}`, state });
      bar.start(Math.max(total, 1), 0, figures(0));
      bars.add(bar);
      return {
        update(done, more = {}) {
          if (more.total !== undefined) {
            total = more.total;
            bar.setTotal(Math.max(total, done, 1));
          }
          state = withEscapes(more.state ?? '');
          bar.update(total > 0 ? done : 0, figures(done));
        },
        stop() {
          bar.stop();
          bars.delete(bar);
        },
      };
    },
  };
}

const linesOf = (text: string): string => text.split('\n').map(withEscapes).join('\n');

type Cell = string | number;

/** A table without colours, so that it can be pasted. */
export function tableOf(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => row.map((cell) => (typeof cell === 'string' ? withEscapes(cell) : cell))));
  return table.toString();
}

/** `3 d 4 h`, `5 min`, `12 s`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 2 * 3_600) return `${Math.floor(whole / 60)} min`;
  const hours = Math.floor(whole / 3_600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `1 user`, `2 users`. */
export const counted = (count: number, what: string, ending = 's'): string =>
  `${count} ${what}${count === 1 ? '' : ending}`;

export const orUnknown = (value: Cell | null): Cell => value ?? 'unknown';
