import { FIGURES_OF_LOGS } from './names.ts';

const service = process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'laurel'; // Lambda sets it for every function

/** From the one that tells most. Lambda names one for each function; a test chooses `SILENT`. */
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'SILENT'];
const least = LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL ?? 'INFO');

type Fields = Readonly<Record<string, unknown>>;

/** Errors by what helps to find their cause: without the answer of AWS that they carry, which is long. */
const readable = (_key: string, value: unknown): unknown => {
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { name, message, stack, ...(cause === undefined ? {} : { cause }) };
};

/** Not through the console, which Lambda replaces with one that wraps each line in another object. */
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line, readable)}\n`);

const lines =
  (level: 'INFO' | 'WARN' | 'ERROR') =>
  (message: string, fields: Fields): void => {
    if (LEVELS.indexOf(level) < least) return;
    print({ level, message, timestamp: new Date().toISOString(), service, ...fields });
  };

/** One JSON line for each request or message. Keys and bodies are never logged. */
export const logger = { info: lines('INFO'), warn: lines('WARN'), error: lines('ERROR') };

export type Measurement = { readonly name: string; readonly value: number; readonly unit: 'Count' | 'Milliseconds' };

const isOfLog = ({ name }: Measurement): boolean => Object.hasOwn(FIGURES_OF_LOGS, name);

/** Of a line for each request: a sum does not need zeros, and each byte costs. */
const isNeeded = (figure: Measurement): boolean => !isOfLog(figure) && (figure.unit !== 'Count' || figure.value !== 0);

/** What makes CloudWatch read figures of a line as metrics (its embedded metric format). The line names the service. */
const metricsOf = (measurements: readonly Measurement[]): Fields => ({
  ...Object.fromEntries(measurements.map(({ name, value }) => [name, value])),
  _aws: {
    Timestamp: Date.now(),
    CloudWatchMetrics: [
      {
        Namespace: 'Laurel',
        Dimensions: [['service']],
        Metrics: measurements.map(({ name, unit }) => ({ Name: name, Unit: unit })),
      },
    ],
  },
});

/**
 * Publishes figures as CloudWatch metrics (embedded in a log line, so it costs no call), one dimension: the function.
 * A zero is published, too: it shows that something ran.
 */
export function publish(measurements: readonly Measurement[]): void {
  if (measurements.length > 0 && LEVELS[least] !== 'SILENT') print({ service, ...metricsOf(measurements) });
}

/** Logs a line that also publishes figures: CloudWatch charges by the byte, so a request and its figures share one. */
export function logAndPublish(message: string, line: Fields, measurements: readonly Measurement[]): void {
  const counted = Object.fromEntries(measurements.filter(isOfLog).map(({ name, value }) => [name, value]));
  const needed = measurements.filter(isNeeded);
  logger.info(message, { ...line, ...counted, ...(needed.length === 0 ? {} : metricsOf(needed)) });
}

/** How many messages or records a batch could not handle: the invocation succeeds, so no other figure shows them. */
export function publishFailedItems(count: number): void {
  if (count > 0) publish([{ name: 'FailedItems', value: count, unit: 'Count' }]);
}
