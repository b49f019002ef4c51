import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../../local/script.ts';
import type { Change, Mutant } from './mutant.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Folders that are not sources, or that a link shares. */
const LEFT_OUT: ReadonlySet<string> = new Set(['node_modules', 'cdk.out', '.git', '.laurel', 'coverage']);

/** A copy of the sources in which guards can be removed. */
export type Tree = {
  readonly directory: string;
  /** Removes a guard. The returned function puts it back. */
  apply(mutant: Mutant): () => void;
  remove(): void;
};

export function copyOfTree(): Tree {
  const { path: directory, remove } = scratchDirectory('mutants');
  for (const entry of readdirSync(ROOT).filter((name) => !LEFT_OUT.has(name))) {
    cpSync(join(ROOT, entry), join(directory, entry), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return {
    directory,
    apply({ changes }) {
      const before = new Map(changes.map(({ file }) => [file, readFileSync(join(directory, file), 'utf8')]));
      for (const change of changes) {
        const path = join(directory, change.file);
        writeFileSync(path, changed(readFileSync(path, 'utf8'), change));
      }
      return () => {
        for (const [file, text] of before) writeFileSync(join(directory, file), text);
      };
    },
    remove,
  };
}

/** The text with the change. Throws unless `find` occurs exactly once. */
function changed(text: string, { file, find, replace }: Change): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${find}`);
  return parts.join(replace);
}
