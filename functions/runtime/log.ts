import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

const serviceName = process.env.AWS_LAMBDA_FUNCTION_NAME ?? 'laurel'; // Lambda sets it for every function

/** One JSON line for each request or message. Keys and bodies are never logged. */
export const logger = new Logger({ serviceName });

export type Measurement = { readonly name: string; readonly value: number; readonly unit: 'Count' | 'Milliseconds' };

/**
 * Publishes figures as CloudWatch metrics (embedded in a log line, so it costs no call), one dimension: the function.
 */
export function publish(measurements: readonly Measurement[]): void {
  if (measurements.length === 0) return;
  const metrics = new Metrics({ namespace: 'Laurel', serviceName });
  for (const { name, value, unit } of measurements) {
    metrics.addMetric(name, unit === 'Count' ? MetricUnit.Count : MetricUnit.Milliseconds, value);
  }
  metrics.publishStoredMetrics();
}

/** How many messages or records a batch could not handle: the invocation succeeds, so no other figure shows them. */
export function publishFailedItems(count: number): void {
  if (count > 0) publish([{ name: 'FailedItems', value: count, unit: 'Count' }]);
}
