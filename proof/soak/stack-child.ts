import * as z from 'zod';
import { synthIfStale } from '../../infra/synth-if-stale.ts';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../local/local-stack.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { Ask, type Told } from './stack-messages.ts';

/**
 * The stack in a process of its own, so that it can be killed as a whole: `node stack-child.ts DIRECTORY PORT VISIBILITY`. It is asked
 * for crashes through the channel to its parent, and ends when that is gone.
 */

const STAGE = 'local';

const [dataDirectory, port, visibilitySeconds] = z
  .tuple([z.string().min(1), z.coerce.number(), z.coerce.number()])
  .parse(process.argv.slice(2));

/**
 * The template but for the stage's throttle, since the soak's own rate is bounded, and for the time after which a
 * message whose function was killed comes again, which is many minutes. How often it comes until it is a dead letter
 * is the template's own number.
 */
const adapt: LocalStackOptions['adapt'] = (model) => ({
  ...model,
  throttle: undefined,
  queues: model.queues.map((queue) => ({ ...queue, attributes: hurried(queue.attributes) })),
});

function hurried(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const hasTimeout = attributes.VisibilityTimeout !== undefined;
  return { ...attributes, ...(hasTimeout ? { VisibilityTimeout: String(visibilitySeconds) } : {}) };
}

const tell = (told: Told): void => void process.send?.(told);

let running: LocalStack | undefined = undefined;
process.on('disconnect', () => {
  if (running === undefined) process.exit();
  void running.stop().finally(() => process.exit());
});

const assembly = readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);
const stack = await startLocalStack({ assembly, dataDirectory, port, adapt });
running = stack;

async function answer({ id, what }: Ask): Promise<void> {
  try {
    tell({ kind: 'done', id, what: await doAs(what) });
  } catch (error) {
    tell({ kind: 'failed', id, error: String(error) });
  }
}

async function doAs(what: Ask['what']): Promise<string | undefined> {
  switch (what.kind) {
    case 'crash-thread':
      for (const role of what.roles) if (await stack.crash.thread(role)) return role;
      return undefined;
    case 'crash-database':
      await stack.crash.database(what.downMs);
      return 'database';
    case 'crash-queues':
      await stack.crash.queues(what.downMs);
      return 'queues';
    case 'disturb':
      await stack.crash.disturb(what.roles, what.forMs, what.disturbance);
      return what.roles.join(' ');
    case 'drain':
      await stack.drain({ timeoutMs: what.timeoutMs });
      return 'stack';
  }
}

process.on('message', (message) => void answer(Ask.parse(message)));
void stack.failed.then((error) => {
  console.error(error);
  process.exit(1);
});
tell({ kind: 'ready', description: stack });
