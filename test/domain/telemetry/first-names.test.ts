import { expect, it } from 'vitest';
import { firstIdOf, foldedId } from '../../../domain/telemetry/first-names.ts';

it.each([
  ['Acme/Tool#12', 'acme/tool#12'],
  ['Acme/Tool@v1.0-RC1', 'acme/tool@v1.0-RC1'],
  ['acme/tool~78#1', 'acme/tool~78#1'],
  ['I1', 'I1'],
  ['A/B/C#1', 'A/B/C#1'],
  ['#12', '#12'],
])('the identity %s is stored as %s', (id, stored) => {
  expect(foldedId(id)).toBe(stored);
});

it('an identity without a repository is looked up nowhere', async () => {
  const find = () => Promise.reject(new Error('it is'));

  expect(await firstIdOf({ find }, 'issue-12')).toBe('issue-12');
});
