/**
 * AWS's prices in us-east-1, in US dollars, beyond the free tiers and before volume discounts.
 *
 * Noted on 2026-11-20. AWS's own price pages were not available in a version of that date, so each figure comes from a
 * page that quotes them, named beside it. Check them on aws.amazon.com before you rely on a sum. Where sources differ,
 * the newer rule is used: in November 2024, DynamoDB halved its on-demand prices.
 */
export const PRICES = {
  notedOn: '2026-11-20',
  region: 'us-east-1',
  /**
   * HTTP API, the first 300 million requests a month, metered in 512 KB. apigatewaycost.com/aws, awsforengineers.com
   * (2025-05)
   */
  apiRequest: 1.0 / 1e6,
  /** Both architectures. cloudchipr.com/blog/aws-lambda-pricing (2024) */
  lambdaRequest: 0.2 / 1e6,
  /** arm64, the first 7.5 billion a month, metered in milliseconds. cloudchipr.com/blog/aws-lambda-pricing (2024) */
  lambdaGbSecond: 0.0000133334,
  /** On demand, Standard table class. airbyte.com/data-engineering-resources/dynamodb-pricing (2025-07) */
  writeRequestUnit: 0.625 / 1e6,
  readRequestUnit: 0.125 / 1e6,
  /** Lambda's reads from DynamoDB streams are free, by AWS's price page, so these figures do not count them. */
  streamReadByLambda: 0,
  /** Standard queues, each 64 KB of an action. factualminds.com (2026-06), cloudburn.io/blog/amazon-sqs-pricing (2026-03) */
  queueRequest: 0.4 / 1e6,
  /** Taken in, the first 10 TB a month. factualminds.com, "Amazon CloudWatch Pricing" (2026-06) */
  logGigabyte: 0.5,
  /** Standard table class, with indexes. aws.amazon.com/dynamodb/pricing */
  storedGigabyteMonth: 0.25,
  /** Point-in-time recovery. docs.echo.stream/docs/table-pricing quotes it */
  backupGigabyteMonth: 0.2,
} as const;
