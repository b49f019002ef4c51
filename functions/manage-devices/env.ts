import * as z from 'zod/mini';

export const ManageDevicesEnv = z.object({
  TELEMETRY_TABLE: z.string().check(z.minLength(1)),
  CREDENTIALS_TABLE: z.string().check(z.minLength(1)),
});
export type ManageDevicesEnv = z.infer<typeof ManageDevicesEnv>;
