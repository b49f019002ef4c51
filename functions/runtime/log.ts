import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const serviceName = process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'laurel'; // Lambda sets it for every function

/** Without the trace's id and a sampling rate, which no line here has a use for: each byte of a line costs. */
class ShortLines extends LogFormatter {
  formatAttributes(...[attributes, further]: Parameters<LogFormatter['formatAttributes']>): LogItem {
    const { logLevel: level, message, timestamp, serviceName: service } = attributes;
    const first = { level, message, timestamp: this.formatTimestamp(timestamp), service };
    return new LogItem({ attributes: first }).addAttributes(further);
  }
}

/** One JSON line for each request or message. Keys and bodies are never logged. */
export const logger = new Logger({ serviceName, logFormatter: new ShortLines() });

export type Measurement = { readonly name: string; readonly value: number; readonly unit: 'Count' | 'Milliseconds' };

/** Of a line for each request: a sum does not need zeros, and each byte costs. */
const isNeeded = ({ value, unit }: Measurement): boolean => unit !== 'Count' || value !== 0;

function metricsOf(measurements: readonly Measurement[]): Metrics {
  const metrics = new Metrics({ namespace: 'Laurel', serviceName });
  for (const { name, value, unit } of measurements) {
    metrics.addMetric(name, unit === 'Count' ? MetricUnit.Count : MetricUnit.Milliseconds, value);
  }
  return metrics;
}

/**
 * Publishes figures as CloudWatch metrics (embedded in a log line, so it costs no call), one dimension: the function.
 * A zero is published, too: it shows that something ran.
 */
export function publish(measurements: readonly Measurement[]): void {
  if (measurements.length > 0) metricsOf(measurements).publishStoredMetrics();
}

/** Logs a line that also publishes figures: CloudWatch charges by the byte, so a request and its figures share one. */
export function logAndPublish(message: string, line: object, measurements: readonly Measurement[]): void {
  const needed = measurements.filter(isNeeded);
  if (needed.length === 0) {
    logger.info(message, { ...line });
    return;
  }
  const { service: _, ...figures } = metricsOf(needed).serializeMetrics(); // the logger names it, too
  logger.info(message, { ...line, ...figures });
}

/** How many messages or records a batch could not handle: the invocation succeeds, so no other figure shows them. */
export function publishFailedItems(count: number): void {
  if (count > 0) publish([{ name: 'FailedItems', value: count, unit: 'Count' }]);
}
