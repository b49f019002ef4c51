import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { usageError } from './outcome.ts';

/** A line of a file, or what is wrong with it. Numbers begin at 1. */
export type FileLine = { readonly line: number; readonly text: string } | LineFault;
export type LineFault = { readonly line: number; readonly fault: string };

/** An event has at most 32 KB. A longer line is skipped, so that no file needs more memory than this. */
export const MAX_LINE_BYTES = 256 * 1024;
const TOO_LONG = `longer than ${MAX_LINE_BYTES} bytes`;
const NEWLINE = 0x0a;
const NOTHING: Buffer = Buffer.alloc(0);
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);
const UTF_16_MARKS = [Buffer.from([0xff, 0xfe]), Buffer.from([0xfe, 0xff])];

/**
 * Reads a file line by line, also one that is compressed or larger than memory. `onMark` is called if it begins with a
 * byte order mark, which is skipped.
 */
export async function* linesOf(file: string, onMark: () => void): AsyncGenerator<FileLine> {
  let [line, isTooLong, isBeginning] = [0, false, true];
  let rest = NOTHING;
  for await (const chunk of chunksOf(file)) {
    let bytes: Buffer = Buffer.concat([rest, chunk]);
    if (isBeginning && bytes.length >= BYTE_ORDER_MARK.length) {
      isBeginning = false;
      bytes = withoutMark(file, bytes, onMark);
    }
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      line += 1;
      yield isTooLong ? { line, fault: TOO_LONG } : lineOf(line, bytes.subarray(start, end));
      isTooLong = false;
      start = end + 1;
    }
    rest = bytes.subarray(start);
    isTooLong ||= rest.length > MAX_LINE_BYTES;
    if (isTooLong) rest = NOTHING;
  }
  if (isTooLong) yield { line: line + 1, fault: TOO_LONG };
  else if (rest.length > 0) yield lineOf(line + 1, rest);
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  const bytes = createReadStream(file);
  const plain = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  bytes.once('error', (error) => plain.destroy(error)); // a pipe does not forward errors
  try {
    for await (const chunk of plain) yield Buffer.from(chunk);
  } catch (error) {
    // ENOENT, EISDIR, EACCES, or Z_DATA_ERROR if it is not gzip.
    if (error instanceof Error && 'code' in error) throw usageError(`file: ${file} cannot be read: ${error.message}`);
    throw error;
  }
}

function withoutMark(file: string, bytes: Buffer, onMark: () => void): Buffer {
  if (UTF_16_MARKS.some((mark) => bytes.subarray(0, mark.length).equals(mark))) {
    throw usageError(`${file}: line 1: the file is UTF-16, expected UTF-8`);
  }
  if (!bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)) return bytes;
  onMark();
  return bytes.subarray(BYTE_ORDER_MARK.length);
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function lineOf(line: number, bytes: Buffer): FileLine {
  if (bytes.length > MAX_LINE_BYTES) return { line, fault: TOO_LONG };
  try {
    return { line, text: strict.decode(bytes).replace(/\r$/u, '') };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // What comes before the first invalid byte is decoded as it is.
    const valid = bytes.toString('utf8').split('\ufffd', 1).join('');
    const byte = bytes[Buffer.byteLength(valid)] ?? 0;
    const hex = byte.toString(16).toUpperCase().padStart(2, '0');
    return { line, fault: `expected UTF-8, found the byte 0x${hex} after ${valid.length} characters` };
  }
}
