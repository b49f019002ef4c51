import * as z from 'zod/mini';

export const IngestTelemetryEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  REGISTRY_TABLE: z.string().check(z.minLength(1)),
  GRANTS_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
  SCORE_REFRESH_QUEUE_URL: z.url(),
});
export type IngestTelemetryEnv = z.infer<typeof IngestTelemetryEnv>;
