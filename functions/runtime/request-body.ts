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
/** For every body except the two kinds below: far more than any of them needs. */
export const SMALL_BODY: BodyLimits = { sent: MIB / 4, decoded: MIB / 4 };
/**
 * A client confirms with all that it knows of an extension, and Laurel needs little of it. Lambda takes no
 * more.
 */
export const PUBLISH_BODY: BodyLimits = { sent: 6 * MIB, decoded: 6 * MIB };
export const TELEMETRY_BODY: BodyLimits = { sent: 4 * MIB, decoded: 16 * MIB };

/** Far deeper than any route reads. */
const MAX_LEVELS = 500;
/** Each costs far more than its two bytes; 2,000 events of 250 each are below this. */
const MAX_LISTS_AND_OBJECTS = 500_000;

/** A gateway that takes compressed bytes for text replaces invalid ones with U+FFFD: the bytes are lost. */
const AS_BYTES =
  'content-type: send a compressed body as application/octet-stream; the gateway took this one for text and broke it';

const tooLarge = (what: string): Reply => problem('too_large', `body: larger than ${what}`);
const notJson = (expected: string): Reply => problem('invalid_json', `body: ${expected}`);

/** The JSON value of a request's body: it is decoded, decompressed within limits, measured and parsed. */
export function readJson(
  request: {
    readonly body?: string | undefined;
    readonly isBase64Encoded: boolean;
    readonly contentEncoding: string | undefined;
  },
  limits: BodyLimits,
): Result<unknown, Reply> {
  const isBrokenGzip = !request.isBase64Encoded && /^\u001f[\ufffd\u008b]/u.test(request.body ?? '');
  if (isBrokenGzip) return err(problem('unsupported_encoding', AS_BYTES));
  const sent = Buffer.from(request.body ?? '', request.isBase64Encoded ? 'base64' : 'utf8');
  if (sent.length > limits.sent) return err(tooLarge(`${limits.sent} bytes`));

  const decoded = decompress(sent, request.contentEncoding?.trim().toLowerCase() ?? 'identity', limits);
  if (!decoded.ok) return decoded;
  const refusal = refusalOfSize(decoded.value);
  return refusal === undefined ? parse(decoded.value) : err(refusal);
}

// Lenient decoding would turn several ids into one, so invalid UTF-8 is refused. A byte order mark is skipped.
const utf8 = new TextDecoder('utf-8', { fatal: true });

function parse(bytes: Buffer): Result<unknown, Reply> {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes));
    return ok(value);
  } catch (error) {
    if (error instanceof SyntaxError) return err(notJson('expected JSON'));
    if (error instanceof TypeError) return err(notJson('expected JSON in UTF-8'));
    throw error;
  }
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * Refuses a body that would cost far more than its bytes to parse: a few kilobytes of gzip may hold millions of lists.
 * Looks at each byte once. Invalid JSON may be measured wrongly, but the parser refuses it.
 */
function refusalOfSize(bytes: Buffer): Reply | undefined {
  let [levels, opened, isInText] = [0, 0, false];
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) isInText = !isInText;
    else if (isInText) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      levels += 1;
      opened += 1;
      if (levels > MAX_LEVELS) return notJson(`nested deeper than ${MAX_LEVELS} levels`);
      if (opened > MAX_LISTS_AND_OBJECTS) return tooLarge(`${MAX_LISTS_AND_OBJECTS} lists and objects`);
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) levels -= 1;
  }
  return undefined;
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
    if (code === 'ERR_BUFFER_TOO_LARGE') return err(tooLarge(`${limits.decoded} bytes`));
    if (typeof code === 'string' && code.startsWith('Z_')) {
      return err(notJson('expected gzip, because of content-encoding'));
    }
    throw error;
  }
}
