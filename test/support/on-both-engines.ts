import { afterAll, beforeAll, describe } from 'vitest';
import { defaultEngine, ENGINES } from '../../local/engines/dynamodb-engine.ts';
import { hasJava, startTestEngine, type TestEngine } from './engines.ts';

/** A contract for all engines, run once on each of them. */
export function onBothEngines(contract: string, body: (engine: () => TestEngine) => void): void {
  for (const name of ENGINES) {
    const isMissing = name === 'dynoxide' ? defaultEngine() !== name : !hasJava();
    const why = name === 'dynoxide' ? 'no binary for this platform' : 'Java is missing';
    describe.skipIf(isMissing)(`${contract}, on ${name}${isMissing ? ` (skipped: ${why})` : ''}`, () => {
      let engine: TestEngine;
      beforeAll(async () => {
        engine = await startTestEngine({ engine: name });
      });
      afterAll(() => engine.stop());
      body(() => engine);
    });
  }
}
