import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LocalDescription } from '../../local/local-description.ts';
import { type Ask, Told } from './stack-messages.ts';

const PROGRAM = join(import.meta.dirname, 'stack-child.ts');

export type StackProcess = {
  readonly description: LocalDescription;
  /** Returns the target of the crash. Undefined if there was none, or if the process was killed meanwhile. */
  ask(what: Ask['what']): Promise<string | undefined>;
  /** Kills it: it finishes nothing and answers nothing. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

/** Starts the stack in a separate process, with the data in the directory. Port 0 chooses a free port. */
export async function startStackProcess(given: {
  readonly directory: string;
  readonly port: number;
  readonly visibilitySeconds: number;
}): Promise<StackProcess> {
  const { directory, port, visibilitySeconds } = given;
  const child = fork(PROGRAM, [directory, String(port), String(visibilitySeconds)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let printed = '';
  child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  const exited = once(child, 'exit');

  const waiting = new Map<number, { resolve: (what: string | undefined) => void; reject: (error: Error) => void }>();
  const ready = new Promise<LocalDescription>((resolve, reject) => {
    child.on('message', (message) => {
      const told = Told.parse(message);
      if (told.kind === 'ready') {
        resolve(told.description);
        return;
      }
      const asked = waiting.get(told.id);
      waiting.delete(told.id);
      if (told.kind === 'done') asked?.resolve(told.what);
      else asked?.reject(new Error(told.error));
    });
    child.once('exit', (code) => {
      for (const { resolve: settle } of waiting.values()) settle(undefined);
      waiting.clear();
      reject(new Error(`The stack ended with ${code ?? 'a signal'}:\n${printed}`));
    });
  });
  const description = await ready;

  let asked = 0;
  return {
    description,
    async ask(what) {
      asked += 1;
      const id = asked;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        sendTo(child, { id, what }, () => {
          waiting.delete(id);
          resolve(undefined);
        });
      });
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** If the process is gone, `otherwise` is called instead. */
function sendTo(child: ChildProcess, message: Ask, otherwise: () => void): void {
  if (!child.connected) {
    otherwise();
    return;
  }
  child.send(message, (error) => {
    if (error !== null) otherwise();
  });
}
