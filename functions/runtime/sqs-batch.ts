import * as z from 'zod/mini';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { OutOfTime, type IsTimeUp } from './deadline.ts';
import { InvocationContext } from './invocation.ts';
import { logger, publishFailedItems } from './log.ts';
import { once } from './once.ts';

const Batch = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

type BatchAnswer = { batchItemFailures: { itemIdentifier: string }[] };

/** This part of an invocation's time is kept for its answer: enough for a wait, or for two tries without an answer. */
const KEPT_FOR_THE_ANSWER_MS = 20_000;

/**
 * A Lambda that drains a queue. Every body is parsed; messages about the same thing (`about`) are handled together,
 * once. A message that cannot be parsed or handled fails alone: the others are done, and it comes again and ends in the
 * dead-letter queue. A message without enough time fails too: the function stops before Lambda would end it, which
 * would fail all messages.
 */
export function sqsBatch<Deps, Message>(options: {
  readonly message: z.ZodMiniType<Message>;
  readonly about: (message: Message) => string;
  readonly wire: () => Deps;
  /** Long work checks `isTimeUp`, and throws if it is. */
  readonly onMessages: (deps: Deps, messages: readonly [Message, ...Message[]], isTimeUp: IsTimeUp) => Promise<void>;
  /** Things handled at a time. */
  readonly parallel: number;
}): (event: unknown, context?: unknown) => Promise<BatchAnswer> {
  const wired = once(options.wire);

  return async (event, context) => {
    // A call by hand may have no context: then there is time enough.
    const left = context === undefined ? () => Infinity : InvocationContext.parse(context).getRemainingTimeInMillis;
    const isTimeUp = () => left() < KEPT_FOR_THE_ANSWER_MS;
    const failed: string[] = [];
    const groups = new Map<string, { ids: string[]; messages: [Message, ...Message[]] }>();
    for (const { messageId, body } of Batch.parse(event).Records) {
      const message = parseBody(options.message, body);
      if (message === undefined) {
        logger.error('unreadable message', { messageId });
        failed.push(messageId);
        continue;
      }
      const about = options.about(message);
      const group = groups.get(about);
      if (group === undefined) groups.set(about, { ids: [messageId], messages: [message] });
      else {
        group.ids.push(messageId);
        group.messages.push(message);
      }
    }

    const deps = groups.size > 0 ? wired() : undefined;
    await settleAll([...groups.values()], options.parallel, async ({ ids, messages }) => {
      try {
        if (isTimeUp()) throw new OutOfTime('not begun');
        if (deps !== undefined) await options.onMessages(deps, messages, isTimeUp);
      } catch (error) {
        logger.error('message failed', { messageIds: ids, error });
        failed.push(...ids);
      }
    });
    publishFailedItems(failed.length);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

function parseBody<Message>(schema: z.ZodMiniType<Message>, body: string): Message | undefined {
  try {
    return schema.safeParse(JSON.parse(body)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
