import { mutant, type Mutant } from './mutant.ts';

const REPLAY_TEST = 'test/recording/replay.test.ts';
const REPLAYED_TEST = 'test/scenarios/replayed-messages.test.ts';
const COPIES = 'domain/telemetry/winning-copy.ts';

/**
 * Guards that tests of the whole running stack also check: recorded traffic, requests generated from the published
 * document, and replayed messages. Each of these tests failed without its guard.
 */
export const runningMutants: readonly Mutant[] = [
  mutant(
    'recorded-copies',
    'recorded: an event under two devices of an account counts once',
    COPIES,
    [
      'const rival = winners.get(copy.entry.id);\n    if (rival === undefined || winsOver(copy, rival)) winners.set(copy.entry.id, copy);',
      'winners.set(`${copy.deviceId} ${copy.entry.id}`, copy);',
    ],
    REPLAY_TEST,
    'in order',
  ),
  mutant(
    'replayed-standing',
    'a redelivered message does not change the time of a score',
    'domain/scoring/score.ts',
    [
      'const isUnchanged = previous !== null && previous.canonicalScore === canonicalScore;',
      'const isUnchanged = previous !== null && previous.canonicalScore < 0;',
    ],
    REPLAYED_TEST,
  ),
].map((each) => ({ ...each, inBundles: true }));
