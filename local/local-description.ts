import * as z from 'zod';

/** The content of `<data>/local.json`, which other commands read to find a running stack. */
export const LocalDescription = z.object({
  baseUrl: z.url(),
  lambdaEndpoint: z.url(),
  dynamodbEndpoint: z.url(),
  sqsEndpoint: z.url(),
  region: z.string(),
  adminKey: z.string(),
  functions: z.record(z.string(), z.string()),
  queues: z.record(z.string(), z.string()),
  tables: z.record(z.string(), z.string()),
});
export type LocalDescription = z.infer<typeof LocalDescription>;

/** The access key by which the local stack recognizes calls of `laurel`. */
export const OPERATOR_KEY_ID = 'laurel';
