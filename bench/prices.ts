/**
 * What AWS asks in us-east-1, in US dollars, beyond the free tiers and before any volume discount.
 *
 * Noted on 2026-11-20. AWS's own price pages were not at hand in a version of that date, so each figure is from those who
 * quote them, named beside it; check them on aws.amazon.com before you rely on a sum. Where sources differ, the newer rule
 * stands: DynamoDB's on-demand requests have cost half of what they did since November 2024.
 */
export const PRICES = {
  notedOn: '2026-11-20',
  region: 'us-east-1',
  /** HTTP API, the first 300 million a month, metered in 512 KB. apigatewaycost.com/aws, awsforengineers.com (2025-05) */
  apiRequest: 1.0 / 1e6,
  /** Of any architecture. cloudchipr.com/blog/aws-lambda-pricing (2024) */
  lambdaRequest: 0.2 / 1e6,
  /** arm64, the first 7.5 billion a month, metered in milliseconds. cloudchipr.com/blog/aws-lambda-pricing (2024) */
  lambdaGbSecond: 0.0000133334,
  /** On demand, Standard table class. airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07) */
  writeRequestUnit: 0.625 / 1e6,
  readRequestUnit: 0.125 / 1e6,
  /** What Lambda reads from DynamoDB's streams costs nothing; so says AWS, and these figures count none of it. */
  streamReadByLambda: 0,
  /** Standard queues, each 64 KB of an action. factualminds.com (2026-06), cloudburn.io/blog/amazon-sqs-pricing (2026-03) */
  queueRequest: 0.4 / 1e6,
} as const;
