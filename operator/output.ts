import { createInterface } from 'node:readline/promises';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { withEscapes } from '../domain/shared/text.ts';

/**
 * Where a command's words go: its result to stdout, once, all else to stderr. What it shows was written by others, and
 * may hold what a terminal obeys: control characters are shown escaped, but for the line breaks of the text itself.
 */
export type Output = {
  /** The one result: `value` as JSON where it was asked for, else the text. */
  result(value: unknown, text: string): void;
  note(text: string): void;
  progress(what: string, total: number): Progress;
  /** Asks at a terminal; where nobody sits at one, whoever wrote the command has decided. */
  confirm(question: string): Promise<boolean>;
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
    progress(what, total) {
      const bar = new SingleBar({
        stream: process.stderr,
        format: `${what} {bar} {done} {state}`,
        barsize: 30,
        hideCursor: true,
        // A pipe or a log file gets a line every few seconds instead.
        noTTYOutput: !options.json,
        notTTYSchedule: 5_000,
        gracefulExit: false, // signals are the command's own
      });
      let state = '';
      // A total of 0 would draw a full bar before anything is known.
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

/** A plain table: no colours, so that it can be pasted. */
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
