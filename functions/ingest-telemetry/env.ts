import * as z from 'zod/mini';

export const IngestTelemetryEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
});
export type IngestTelemetryEnv = z.infer<typeof IngestTelemetryEnv>;
