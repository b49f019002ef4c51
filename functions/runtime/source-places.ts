import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** No schema, because this file is in front of each bundle: with one, the bundler would wrap the library of schemas. */
const isPayload = (value: unknown): value is SourceMapPayload => typeof value === 'object' && value !== null;
const maps = new Map<string, SourceMap | undefined>();

function mapOf(bundle: string): SourceMap | undefined {
  if (!maps.has(bundle)) {
    try {
      const payload: unknown = JSON.parse(readFileSync(`${bundle}.map`, 'utf8'));
      maps.set(bundle, isPayload(payload) ? new SourceMap(payload) : undefined);
    } catch {
      maps.set(bundle, undefined); // Node's own code and what is no bundle have no map
    }
  }
  return maps.get(bundle);
}

/** One line of a stack trace. */
function lineOf(frame: NodeJS.CallSite): string {
  // Its types do not say so, but a frame's text is its line in a stack trace.
  // eslint-disable-next-line @typescript-eslint/no-base-to-string
  const text = frame.toString();
  const [file, line, column] = [frame.getFileName(), frame.getLineNumber(), frame.getColumnNumber()];
  if (typeof file !== 'string' || line === null || column === null || file.startsWith('node:')) return text;
  const bundle = file.startsWith('file:') ? fileURLToPath(file) : file;
  const origin = mapOf(bundle)?.findOrigin(line, column);
  if (origin === undefined || !('fileName' in origin)) return text;
  const place = `${resolve(dirname(bundle), origin.fileName)}:${origin.lineNumber}:${origin.columnNumber}`;
  return text.replace(`${file}:${line}:${column}`, () => place);
}

/**
 * The bundler puts this in front of each bundle: stack traces then name the files and lines of the sources, by the source
 * map beside the bundle. Node's own `--enable-source-maps` reads the map at each start, which takes a tenth of a start's CPU. Here
 * the first stack trace that is looked at reads it.
 */
Error.prepareStackTrace = (error, frames) =>
  [String(error), ...frames.map((frame) => `    at ${lineOf(frame)}`)].join('\n');
