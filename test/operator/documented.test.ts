import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it, onTestFinished } from 'vitest';
import { operatorProgram } from '../../operator/program.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const program = operatorProgram({
  output: {} as any,
  environment: {},
  clock: () => 0,
  interruption: () => new AbortController().signal,
  end: () => undefined,
});

/** The words of a command line in the documentation: `'two words'` is one; a comment, a gap, a pipe or a file ends it. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/\s+(#|\||>)\s.*$|\s{3}.*$/u, '').matchAll(/'([^']*)'|[^\s')]+/gu)].map(
    ([word, quoted]) => quoted ?? word,
  );

/** The fault of a command line, or undefined. */
function wrongIn(line: string): string | undefined {
  let command: Command = program;
  const words = wordsOf(line).slice(1);
  for (;;) {
    const next = command.commands.find((each) => each.name() === words[0]);
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  if (command === program) return words.join(' ') === '--help' ? undefined : 'there is no such command';
  const { operands, unknown } = command.parseOptions(words);
  const required = command.registeredArguments.filter((argument) => argument.required).length;
  const isNameAlone = words.length === 0; // prose may name a command alone
  const known = isNameAlone || (operands.length >= required && operands.length <= command.registeredArguments.length);
  return unknown.length > 0 || !known ? `${operands.length} arguments, unknown ${unknown.join(' ')}` : undefined;
}

const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: ROOT }).toString().trim().split('\n');
const linesOf = (path: string, pattern: RegExp) =>
  [...readFileSync(join(ROOT, path), 'utf8').matchAll(pattern)].map(([, line = '']) => line.replaceAll('\n', ' '));
const documented = [
  ...pages.flatMap((page) => [
    ...linesOf(page, /^(laurel [a-z-].*)$/gmu),
    ...linesOf(page, /`(laurel (?!ledger line)[a-z-][^`]*)`/gu), // the text of a line begins in this way
  ]),
  ...readdirSync(join(ROOT, 'operator/commands')).flatMap((file) =>
    linesOf(`operator/commands/${file}`, /^ {2}(?:export \w+=\$\()?(laurel [a-z].*)$/gmu),
  ),
];

describe('the documentation of the command', () => {
  it('uses only existing commands and options', () => {
    expect(documented.length).toBeGreaterThan(20);
    expect(documented.map((line) => [line, wrongIn(line)]).filter(([, wrong]) => wrong !== undefined)).toEqual([]);
  });

  it.each(['laurel redo', 'laurel status --verbose', 'laurel award ada', 'laurel audit ada grace'])(
    'would be wrong to contain %s',
    (line) => expect(wrongIn(line)).toBeDefined(),
  );

  it('names only existing scripts of npm', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = pages.flatMap((page) => linesOf(page, /npm run ([\w:-]+)/gu));

    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  it("uses `laurel`, which runs the installed Node, whatever the machine's own is", () => {
    const outside = mkdtempSync(join(tmpdir(), 'laurel-path-'));
    onTestFinished(() => rmSync(outside, { recursive: true }));
    writeFileSync(join(outside, 'node'), '#!/bin/sh\necho "an older Node" >&2\nexit 9\n');
    chmodSync(join(outside, 'node'), 0o755);
    symlinkSync(join(ROOT, 'bin/laurel'), join(outside, 'laurel')); // as `npm link` and npx create it
    const PATH = `${outside}:/usr/bin:/bin`;

    const { status, stdout, stderr } = spawnSync('laurel', ['--help'], {
      env: { PATH },
      cwd: outside,
      encoding: 'utf8',
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('laurel redrive');
  });
});
