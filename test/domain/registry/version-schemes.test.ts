import { describe, expect, it } from 'vitest';
import { versionIn } from '../../../domain/registry/extension.ts';
import { versionSk } from '../../../functions/adapters/dynamodb/registry/registry.items.ts';

describe('semantic versions', () => {
  const isVersion = (text: string) => versionIn('semver').safeParse(text).success;

  it.each(['0.0.1', '1.10.0', '2.0.0-beta', '2.0.0-beta.1', '1.0.0-0.3.7', '1.0.0-x-y-z.--'])('%s is one', (text) => {
    expect(isVersion(text)).toBe(true);
  });

  it.each([
    '1',
    '1.2',
    '1.2.3.4',
    '01.2.3',
    '1.2.3-',
    '1.2.3-01',
    '1.2.3-a..b',
    'v1.2.3',
    '1.2.3+build',
    '1.2.3 ',
    `1.2.${'9'.repeat(16)}`,
  ])('%s is none', (text) => {
    expect(isVersion(text)).toBe(false);
  });

  it('are stored in their order', () => {
    const inOrder = [
      ...['0.9.9', '1.0.0-alpha', '1.0.0-alpha.1', '1.0.0-alpha.beta', '1.0.0-beta', '1.0.0-beta.2', '1.0.0-beta.11'],
      ...['1.0.0-rc.1', '1.0.0', '1.2.0', '1.10.0', '2.0.0'],
    ];
    expect([...inOrder].sort((a, b) => (versionSk(a) < versionSk(b) ? -1 : 1))).toEqual(inOrder);
  });
});
