import { setTimeout as sleep } from 'node:timers/promises';

export type Request = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** The secret of a key; without it the request is anonymous. */
  readonly key?: string | undefined;
  readonly body?: object;
};

export type Answer = {
  readonly status: number;
  readonly body: unknown;
  /** Tries without an answer, or with 5xx or 429. They may have been executed. */
  readonly lostTries: number;
};

export type Traffic = { requests: number; repeated: number; tries: number; unanswered: number; serverErrors: number };

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const PATIENCE_MS = 10_000;
/** A stack that is down for longer does not come back. */
const GIVE_UP_MS = 120_000;

const parsed = (text: string): unknown => JSON.parse(text);

/** Sends requests as every client may: it repeats a request without an answer, or with 5xx, until it is answered. */
export class Client {
  readonly #baseUrl: () => string;
  readonly traffic: Traffic = { requests: 0, repeated: 0, tries: 0, unanswered: 0, serverErrors: 0 };

  constructor(baseUrl: () => string) {
    this.#baseUrl = baseUrl;
  }

  async send(request: Request): Promise<Answer> {
    const begun = Date.now();
    this.traffic.requests += 1;
    for (let lostTries = 0, pause = FIRST_PAUSE_MS; ; lostTries += 1) {
      const answer = await this.#once(request);
      if (answer !== undefined) return { ...answer, lostTries };
      if (lostTries === 0) this.traffic.repeated += 1;
      if (Date.now() - begun > GIVE_UP_MS) {
        throw new Error(`${request.method} ${request.path} had no answer for ${GIVE_UP_MS / 1_000} s`);
      }
      await sleep(pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Undefined if it must be sent again. */
  async #once({ method, path, key, body }: Request): Promise<Omit<Answer, 'lostTries'> | undefined> {
    this.traffic.tries += 1;
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'x-api-key': key }),
    };
    const sent = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    try {
      const response = await fetch(this.#baseUrl() + path, { ...sent, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response.text();
      if (response.status >= 500 || response.status === 429) {
        this.traffic.serverErrors += 1;
        return undefined;
      }
      return { status: response.status, body: parsed(text) };
    } catch (error) {
      const isLost = error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
      if (!isLost) throw error;
      this.traffic.unanswered += 1;
      return undefined;
    }
  }
}
