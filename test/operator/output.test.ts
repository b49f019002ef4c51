import { expect, it, vi } from 'vitest';
import { tableOf, terminalOutput } from '../../operator/output.ts';

function printed(print: () => void): string {
  const writes = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  print();
  const said = writes.flatMap(({ mock }) => mock.calls.map(([text]) => String(text))).join('');
  vi.restoreAllMocks();
  return said;
}

const FOREIGN = 'reason\u001b[2J\u0007\u009b31m\u202etxt.exe\u200b\ud800 é🦊';
const unseen = /[^\n\P{C}\p{Cn}]/u;

it('text of other people cannot move the cursor, hide text or reverse it', () => {
  const text = terminalOutput({ json: false });
  const said = [
    printed(() => text.result({}, `a\nb ${FOREIGN}`)),
    printed(() => text.note(FOREIGN)),
    printed(() => text.result({}, tableOf(['of'], [[`${FOREIGN}\nmore`]]))),
  ];

  for (const each of said) {
    expect(each).not.toMatch(unseen);
    expect(each).toContain('reason\\u001b[2J\\u0007\\u009b31m\\u202etxt.exe\\u200b\\ud800 é🦊');
  }
  expect(said[0]).toMatch(/^a\nb /);
  expect(said[2]!.split('\n')).toHaveLength(6); // a cell is one line
});

it('JSON for a script has the same value, without invisible characters', () => {
  const said = printed(() => terminalOutput({ json: true }).result({ [FOREIGN]: [FOREIGN] }, ''));

  expect(said).not.toMatch(unseen);
  expect(JSON.parse(said)).toEqual({ [FOREIGN]: [FOREIGN] });
});
