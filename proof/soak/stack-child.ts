import * as z from 'zod';
import { synthIfStale } from '../../infra/synth-if-stale.ts';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../local/local-stack.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { Ask, type Told } from './stack-messages.ts';

/**
 * Runs the stack in a separate process, so that it can be killed as a whole: `node stack-child.ts DIRECTORY PORT
 * VISIBILITY`. Its parent requests crashes over a channel, and it ends when the channel closes.
 */

const STAGE = 'local';

const [dataDirectory, port, visibilitySeconds] = z
  .tuple([z.string().min(1), z.coerce.number(), z.coerce.number()])
  .parse(process.argv.slice(2));

/**
 * The template with two changes. There is no throttle, because the soak limits its own rate. A message of a killed
 * function is delivered again soon, not after many minutes. The number of deliveries before a dead letter is the
 * template's.
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
