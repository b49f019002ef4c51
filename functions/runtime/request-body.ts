import { gunzipSync } from 'node:zlib';
import { err, ok, type Result } from '../../domain/shared/result.ts';
import { problem, type Reply } from './problems.ts';

export type BodyLimits = {
  /** Bytes as sent. */
  readonly sent: number;
  /** Bytes after decompression. */
  readonly decoded: number;
};

const MIB = 1024 * 1024;
/** For every body but telemetry: far more than any of them needs. */
export const SMALL_BODY: BodyLimits = { sent: MIB / 4, decoded: MIB / 4 };
export const TELEMETRY_BODY: BodyLimits = { sent: 4 * MIB, decoded: 16 * MIB };

const tooLarge = (bytes: number): Reply => problem('too_large', `body: larger than ${bytes} bytes`);

/** The JSON value of a request's body: decoded as the gateway says, decompressed within limits, parsed. */
export function readJson(
  request: {
    readonly body?: string | undefined;
    readonly isBase64Encoded: boolean;
    readonly contentEncoding: string | undefined;
  },
  limits: BodyLimits,
): Result<unknown, Reply> {
  const sent = Buffer.from(request.body ?? '', request.isBase64Encoded ? 'base64' : 'utf8');
  if (sent.length > limits.sent) return err(tooLarge(limits.sent));

  const decoded = decompress(sent, request.contentEncoding?.trim().toLowerCase() ?? 'identity', limits);
  if (!decoded.ok) return decoded;
  try {
    const value: unknown = JSON.parse(decoded.value.toString('utf8'));
    return ok(value);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return err(problem('invalid_json', 'body: expected JSON'));
  }
}

function decompress(sent: Buffer, encoding: string, limits: BodyLimits): Result<Buffer, Reply> {
  if (encoding === 'identity' || encoding === '') return ok(sent);
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    return err(problem('unsupported_encoding', 'content-encoding: expected gzip or none'));
  }
  try {
    return ok(gunzipSync(sent, { maxOutputLength: limits.decoded }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') return err(tooLarge(limits.decoded));
    if (typeof code === 'string' && code.startsWith('Z_')) {
      return err(problem('invalid_json', 'body: expected gzip, as content-encoding says'));
    }
    throw error;
  }
}
