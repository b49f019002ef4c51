import type { QueueName } from './steps.ts';

/** What lies in a queue. */
export type Message = {
  readonly id: string;
  readonly body: string;
  readonly sentAt: number;
  /** Not received before. */
  readonly dueAt: number;
  receives: number;
  /** Made to be unreadable: it must end among the dead letters, whatever happens. */
  readonly isPoison: boolean;
};

const MAX_RECEIVES = 5;

/** One queue and its dead letters, as SQS keeps them: what is not deleted comes again, in any order, five times. */
export class Queue {
  readonly name: QueueName;
  #sent = 0;
  waiting: Message[] = [];
  dead: Message[] = [];
  /** Every body that was ever sent, in order. */
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

  /** Takes messages out of sight. */
  receive(messages: readonly Message[]): void {
    for (const message of messages) message.receives += 1;
    this.waiting = this.waiting.filter((message) => !messages.includes(message));
  }

  /** Brings back what was not deleted; what was received too often goes to the dead letters. */
  giveBack(messages: readonly Message[]): void {
    for (const message of messages) {
      if (message.receives >= MAX_RECEIVES) this.dead.push(message);
      else this.waiting.push(message);
    }
  }

  /** Moves the dead letters back, as the console does: they are new messages then. */
  redrive(now: number): void {
    for (const { body, isPoison } of this.dead.splice(0)) this.send(body, { now, isPoison });
  }
}
