import { createHash } from 'node:crypto';

/** A strong validator: equal for equal bodies, whichever machine answers. */
export const etagOf = (body: string | Uint8Array): string =>
  `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;

/** Whether the caller has this body already. Compares weakly, as RFC 9110 asks for `If-None-Match`. */
export const isNotModified = (ifNoneMatch: string | undefined, etag: string): boolean =>
  (ifNoneMatch ?? '').split(',').some((sent) => {
    const tag = sent.trim();
    return tag === '*' || tag.replace(/^W\//u, '') === etag;
  });
