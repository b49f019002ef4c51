import { describe, expect, it } from 'vitest';
import { settleAll } from '../../../domain/shared/settle-all.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('concurrent work on a list', () => {
  it('returns the results in the order of the items, whatever time each takes', async () => {
    const results = await settleAll([3, 1, 2], 2, async (turns) => {
      for (let n = 0; n < turns; n += 1) await turn();
      return turns * 10;
    });

    expect(results).toEqual([30, 10, 20]);
  });

  it('runs at most the given number at a time', async () => {
    let running = 0;
    let most = 0;
    await settleAll([1, 2, 3, 4, 5], 2, async () => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
    });

    expect(most).toBe(2);
  });

  it('leaves nothing running after a failure, and starts nothing more', async () => {
    const log: string[] = [];
    const work = settleAll(['fails', 'slow', 'never'], 2, async (name) => {
      if (name === 'fails') throw new Error('failed');
      for (let n = 0; n < 5; n += 1) await turn();
      log.push(name);
    });

    await expect(work).rejects.toThrow('failed');
    expect(log).toEqual(['slow']);
  });

  it('does nothing for an empty list', async () => {
    expect(await settleAll([], 8, () => Promise.reject(new Error('never')))).toEqual([]);
  });
});
