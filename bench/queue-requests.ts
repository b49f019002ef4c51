import { setTimeout as sleep } from 'node:timers/promises';
import type { ObservedCall } from '../local/proxy/aws-proxy.ts';
import { eventsOf } from './events.ts';
import { keyFor, post, withLocalStack } from './local-stack.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';

const BATCHES_A_SECOND = 10;
const LONE_BUDGET = 3;
const BUDGET_OF_1000_EVENTS = 50;
const BATCHES_OF_1000_EVENTS = 40;

const isQueueRequest = ({ caller, operation }: ObservedCall): boolean =>
  // the benchmark itself, which waits for the queue to drain
  operation.startsWith('AmazonSQS.') && caller !== 'operator';
const isEmptyPoll = ({ received }: ObservedCall): boolean => received === 0;

/**
 * Counts the SQS requests between an event's commit and its user's saved score, on the whole stack: announce, receive,
 * delete. Each batch comes from another user, so that no two refreshes merge. Empty polls are counted separately,
 * because their rate does not depend on the traffic.
 */
export const measureQueueRequests = async ({ ingestBatches }: Pick<Sizes, 'ingestBatches'>): Promise<Measurements> => {
  let calls: ObservedCall[] = [];
  return withLocalStack({ observe: (call) => void calls.push(call) }, async (stack) => {
    const now = new Date();
    const senders: { readonly device: string; readonly key: string }[] = [];
    for (let index = 0; index < ingestBatches; index += 1) {
      const sender = { device: `device-${index}`, key: await keyFor(stack, `user-${index}`) };
      // binds the device
      await post(stack, '/ingest', { events: eventsOf(sender.device, now.toISOString(), 0) }, sender.key);
      senders.push(sender);
    }
    const requestsDuring = async (work: () => Promise<unknown>) => {
      await stack.drain();
      calls = [];
      await work();
      await stack.drain();
      const requests = calls.filter(isQueueRequest);
      const empty = requests.filter(isEmptyPoll).length;
      return { work: requests.length - empty, empty };
    };
    const send = ({ device, key }: { readonly device: string; readonly key: string }, from: number) =>
      post(stack, '/ingest', { events: eventsOf(device, now.toISOString(), from) }, key);

    const lone = await requestsDuring(async () => {
      for (const sender of senders.slice(0, 1)) await send(sender, 100);
    });
    const busy = await requestsDuring(async () => {
      const sent: Promise<unknown>[] = [];
      for (const sender of senders) {
        sent.push(send(sender, 200));
        await sleep(1_000 / BATCHES_A_SECOND);
      }
      await Promise.all(sent);
    });
    const budget = Math.max(LONE_BUDGET, (BUDGET_OF_1000_EVENTS * ingestBatches) / BATCHES_OF_1000_EVENTS);
    const events = (ingestBatches * 25).toLocaleString('en');
    return {
      costs: [
        cost('SQS, a lone batch of 25 events', 'requests', lone.work, { budget: LONE_BUDGET, floor: LONE_BUDGET }),
        cost(`SQS, ${events} events of ${ingestBatches} users, ten batches a second`, 'requests', busy.work, {
          budget,
        }),
        cost('SQS, empty polls meanwhile', 'requests', lone.empty + busy.empty),
      ],
      ratios: [],
    };
  });
};
