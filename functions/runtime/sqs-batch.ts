import * as z from 'zod/mini';
import { settleAll } from '../../domain/shared/settle-all.ts';
import { logger, publishFailedItems } from './log.ts';
import { once } from './once.ts';

const Batch = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

type BatchAnswer = { batchItemFailures: { itemIdentifier: string }[] };

/**
 * A Lambda that drains a queue. Every body is parsed; messages about the same thing (`about`) are handled together,
 * once. What cannot be parsed or handled is that message's own failure: the others are done, it comes again and ends
 * in the dead-letter queue.
 */
export function sqsBatch<Deps, Message>(options: {
  readonly message: z.ZodMiniType<Message>;
  readonly about: (message: Message) => string;
  readonly wire: () => Deps;
  readonly onMessages: (deps: Deps, messages: readonly [Message, ...Message[]]) => Promise<void>;
  /** Things handled at a time. */
  readonly parallel: number;
}): (event: unknown) => Promise<BatchAnswer> {
  const wired = once(options.wire);

  return async (event) => {
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
        if (deps !== undefined) await options.onMessages(deps, messages);
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
