import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import type { HttpAccess } from './connection.ts';
import { OperatorError } from './outcome.ts';

const TRIES = 5;
const FIRST_WAIT_MS = 200;
const TIMEOUT_MS = 35_000; // longer than the gateway's own limit of 30 s

const Refusal = z.object({ error: z.string(), code: z.string() });

/** An error that the API answered, with its sentence and code. */
export class ApiError extends OperatorError {
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(code, message);
    this.status = status;
  }
}

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type HttpAnswer = { readonly status: number; readonly text: string; readonly headers: Headers };

const mayPass = (status: number) => status === 429 || status >= 500;

/**
 * Sends a request, and retries after a lost answer, 429 or 5xx. A retry is safe, because Laurel counts nothing twice.
 * Returns the last answer, whatever its status. Throws if there was no answer.
 */
export async function sendHttp(baseUrl: string, request: HttpRequest, tries = TRIES): Promise<HttpAnswer> {
  const { method, path, headers = {}, body } = request;
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= tries;
    try {
      const response = await fetch(baseUrl + path, {
        method,
        headers: { ...headers },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body }),
      });
      const text = await response.text();
      if (isLast || !mayPass(response.status)) return { status: response.status, text, headers: response.headers };
    } catch (error) {
      if (isLast) throw new OperatorError('unreachable', `${baseUrl} does not answer`, { cause: error });
    }
    await sleep(FIRST_WAIT_MS * 2 ** attempt * (0.5 + Math.random() / 2));
  }
}

type ApiCall<Schema extends z.core.$ZodType> = {
  readonly method: HttpRequest['method'];
  readonly path: string;
  readonly body?: object;
  readonly answer: Schema;
  /** False for a request that must not be retried after a lost answer. */
  readonly repeatable?: boolean;
};

/** Calls a route with the admin key. Throws `ApiError` if the API answers an error. */
export async function callApi<Schema extends z.core.$ZodType>(
  { baseUrl, adminKey }: HttpAccess,
  { method, path, body, answer, repeatable = true }: ApiCall<Schema>,
): Promise<z.output<Schema>> {
  const { status, text } = await sendHttp(
    baseUrl,
    {
      method,
      path,
      headers: { 'x-api-key': adminKey, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    },
    repeatable ? TRIES : 1,
  );
  if (status >= 200 && status < 300) return z.parse(answer, jsonOf(text));
  const refusal = Refusal.safeParse(jsonOf(text)).data;
  throw new ApiError(
    status,
    refusal?.code ?? `http_${status}`,
    refusal?.error ?? `${method} ${path} answered ${status}`,
  );
}

/** Parses a JSON text. Returns undefined if it is invalid. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
