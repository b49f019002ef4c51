import type { QueueName } from './steps.ts';

/** A message in a queue. */
export type Message = {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  /** It is not delivered before this time. */
  readonly dueAt: number;
  receives: number;
  /** Unreadable on purpose: it must become a dead letter. */
  readonly isPoison: boolean;
};

const MAX_RECEIVES = 5;

/**
 * A queue and its dead letters, by the rules of SQS: a message that is not deleted is delivered again, in any order, up
 * to five times.
 */
export class Queue {
  readonly name: QueueName;
  #sent = 0;
  waiting: Message[] = [];
  dead: Message[] = [];
  /** Every body that was sent, in order. */
  readonly log: string[] = [];

  constructor(name: QueueName) {
    this.name = name;
  }

  send(body: string, { now, delayMs = 0, isPoison = false }: { now: number; delayMs?: number; isPoison?: boolean }) {
    this.#sent += 1;
    const id = `${this.name}-${this.#sent}`;
    this.waiting.push({ id, body, sentAt: now, dueAt: now + delayMs, receives: 0, isPoison });
    if (!isPoison) this.log.push(body);
  }

  /** Hides messages. */
  receive(messages: readonly Message[]): void {
    for (const message of messages) message.receives += 1;
    this.waiting = this.waiting.filter((message) => !messages.includes(message));
  }

  /** Makes messages visible that were not deleted. Messages with too many receives become dead letters. */
  giveBack(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.receives >= MAX_RECEIVES) this.dead.push(message);
      else this.waiting.push(message);
    }
  }

  /** Moves the dead letters back, as the console does. They become new messages. */
  redrive(now: number): void {
    for (const { body, isPoison } of this.dead.splice(0)) this.send(body, { now, isPoison });
  }
}
