import { afterAll, beforeAll } from 'vitest';
import { startTestStack, type TestStack } from './stack.ts';

/** The stack of all modules that a test file imports. A stack and its functions' threads take 4 s of CPU to start. */
export let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack.stop());
