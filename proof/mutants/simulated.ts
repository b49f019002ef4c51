import { mutant, SIMULATOR, withoutFirst, type Mutant } from './mutant.ts';

/** Mutants that the simulator also finds within its first seeds. */
export const simulatedMutants: readonly Mutant[] = [
  mutant(
    'simulated-first-chunk',
    'simulated, I1: the first write of a chunk never replaces another one',
    'functions/adapters/dynamodb/telemetry/device-store.ts',
    withoutFirst('chunk.revision'),
    SIMULATOR,
  ),
  mutant(
    'simulated-failed-message',
    'simulated, I2: a message that failed comes back',
    'functions/runtime/sqs-batch.ts',
    ['      failed.push(...ids);\n', ''],
    SIMULATOR,
  ),
  mutant(
    'simulated-enqueued',
    'simulated, I6: accounts of a backfill are enqueued',
    'domain/backfill/run-backfill.ts',
    ['  if (requests.length > 0) await deps.requestRefreshes(requests);\n', ''],
    SIMULATOR,
  ),
];
