import * as z from 'zod';

/** What a running stack tells in `<data>/local.json`, as the contract has it. */
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

/** By which the local stack knows the calls of `laurel`. */
export const OPERATOR_KEY_ID = 'laurel';
