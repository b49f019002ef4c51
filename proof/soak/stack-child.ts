import * as z from 'zod';
import { synthIfStale } from '../../infra/synth-if-stale.ts';
import { startLocalStack, type LocalStackOptions } from '../../local/local-stack.ts';
import { readAssembly } from '../../local/template/assembly.ts';
import { Ask, type Told } from './stack-messages.ts';

/**
 * The stack in a process of its own, so that it can be killed as a whole: `node stack-child.ts DIRECTORY PORT`. It is asked
 * for crashes through the channel to its parent, and ends when that is gone.
 */

const STAGE = 'local';
/** A message whose function was killed is delivered again after this long, instead of many minutes. */
const VISIBILITY_SECONDS = '4';
/** A message is hit by chance, again and again in a short time: five times would not mean that it cannot be handled. */
const MOST_RECEIVES = 50;

const [dataDirectory, port] = z.tuple([z.string().min(1), z.coerce.number()]).parse(process.argv.slice(2));

/** The template but for times that a soak of minutes cannot wait for, and the stage's throttle: its own rate is bounded. */
const adapt: LocalStackOptions['adapt'] = (model) => ({
  ...model,
  throttle: undefined,
  queues: model.queues.map((queue) => ({ ...queue, attributes: hurried(queue.attributes) })),
});

function hurried(attributes: Readonly<Record<string, string>>): Record<string, string> {
  const { RedrivePolicy, VisibilityTimeout } = attributes;
  const redrive = RedrivePolicy === undefined ? undefined : z.looseObject({}).parse(JSON.parse(RedrivePolicy));
  return {
    ...attributes,
    ...(VisibilityTimeout === undefined ? {} : { VisibilityTimeout: VISIBILITY_SECONDS }),
    ...(redrive === undefined ? {} : { RedrivePolicy: JSON.stringify({ ...redrive, maxReceiveCount: MOST_RECEIVES }) }),
  };
}

const tell = (told: Told): void => void process.send?.(told);

const assembly = readAssembly(await synthIfStale({ stage: STAGE }), `Laurel-${STAGE}`);
const stack = await startLocalStack({ assembly, dataDirectory, port, adapt });

async function answer({ id, what }: Ask): Promise<void> {
  try {
    tell({ kind: 'done', id, happened: await doAs(what) });
  } catch (error) {
    tell({ kind: 'failed', id, error: String(error) });
  }
}

async function doAs(what: Ask['what']): Promise<boolean> {
  switch (what.kind) {
    case 'crash-thread':
      for (const role of what.roles) if (await stack.crash.thread(role)) return true;
      return false;
    case 'crash-database':
      await stack.crash.database(what.downMs);
      return true;
    case 'crash-queues':
      await stack.crash.queues(what.downMs);
      return true;
    case 'drain':
      await stack.drain({ timeoutMs: what.timeoutMs });
      return true;
  }
}

process.on('message', (message) => void answer(Ask.parse(message)));
process.on('disconnect', () => void stack.stop().then(() => process.exit()));
void stack.failed.then((error) => {
  console.error(error);
  process.exit(1);
});
tell({ kind: 'ready', description: stack });
