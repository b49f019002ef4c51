import * as z from 'zod/mini';
import type { Fault } from '../../domain/shared/faults.ts';

/** Every code of an error that a client can get, and its status. The one place where either is decided. */
export const STATUS_OF_CODE = {
  invalid_json: 400,
  invalid_query: 400,
  unknown_key: 401,
  bad_signature: 401,
  missing_scope: 403,
  no_account: 403,
  /** The request did not come through CloudFront, as all must. */
  wrong_address: 403,
  not_found: 404,
  unknown_username: 404,
  unknown_board: 404,
  not_listed: 404,
  unknown_id: 404,
  unknown_grant: 404,
  unknown_extension: 404,
  unknown_offer: 404,
  unknown_device: 404,
  method_not_allowed: 405,
  username_taken: 409,
  merge_conflict: 409,
  award_conflict: 409,
  badge_conflict: 409,
  login_conflict: 409,
  not_reversible: 409,
  too_many_devices: 409,
  version_conflict: 409,
  /** 403 for a change of an extension that belongs to somebody else. */
  not_owner: 409,
  too_large: 413,
  unsupported_encoding: 415,
  invalid_body: 422,
  invalid_name: 422,
  invalid_version: 422,
  internal: 500,
  /** The same request again goes on; `retry-after` gives the time. */
  busy: 503,
} as const;
export type ProblemCode = keyof typeof STATUS_OF_CODE;

export const Problem = z.object({
  /** One sentence. */
  error: z.string(),
  code: z.string(),
  details: z.optional(z.array(z.object({ field: z.string(), expected: z.string() }))),
});
export type Problem = z.infer<typeof Problem>;

/**
 * What is not JSON: a page, an image, a table. Text is compressed for callers that can read it; bytes are ready to
 * send.
 */
export type Content = { readonly type: string; readonly data: string | Uint8Array };

export type Reply = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. Without it, the answer has no body. */
  readonly body?: unknown;
  /** Whether the same object may be the body of later answers: then its JSON is kept as long as the object. */
  readonly isKept?: boolean;
  /** Sent as it is, instead of JSON. */
  readonly content?: Content;
  /** Figures for the request's log line and for the metrics, by metric name. */
  readonly counts?: Readonly<Record<string, number>>;
};

/** An answer that refuses: `sentence` names the field and the expectation. */
export function problem(
  code: ProblemCode,
  sentence: string,
  more: {
    readonly details?: readonly Fault[];
    readonly status?: number;
    readonly headers?: Record<string, string>;
  } = {},
): Reply {
  const body = { error: sentence, code, ...(more.details === undefined ? {} : { details: more.details }) };
  return {
    status: more.status ?? STATUS_OF_CODE[code],
    body,
    ...(more.headers === undefined ? {} : { headers: more.headers }),
  };
}
