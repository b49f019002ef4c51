import { describe, expect, it } from 'vitest';
import { EXCEPTIONS, grantedBy, targetOfArn, textOf, unusedOf } from '../support/used-permissions.ts';
import { resources } from './template-under-test.ts';

describe('the permissions of functions', () => {
  const granted = grantedBy(resources);

  it('are unused until that function has used them on that resource', () => {
    const [query, other] = [
      { role: 'refresh-score', action: 'dynamodb:Query', target: 'telemetry' },
      { role: 'backfill', action: 'dynamodb:Query', target: 'telemetry' },
    ];

    expect(granted).toEqual(expect.arrayContaining([query, other]));
    expect(unusedOf([query, other], new Set())).toEqual([textOf(other), textOf(query)]);
    expect(unusedOf([query, other], new Set([textOf(query)]))).toEqual([textOf(other)]);
    expect(unusedOf(granted, new Set(granted.map(textOf)))).toEqual([]);
  });

  it.each([
    ['arn:aws:dynamodb:us-east-1:000000000000:table/laurel-local-telemetry', 'telemetry'],
    [
      'arn:aws:dynamodb:us-east-1:000000000000:table/laurel-local-user_scores/index/byShard',
      'user_scores/index/byShard',
    ],
    [
      'arn:aws:dynamodb:us-east-1:000000000000:table/laurel-local-registry/stream/2026-08-21T12:00',
      'registry.StreamArn',
    ],
    ['arn:aws:sqs:us-east-1:000000000000:laurel-local-score-refresh', 'score-refresh'],
  ])('are used on %s as %s', (arn, target) => {
    expect(targetOfArn(arn)).toBe(target);
  });

  it('have an exception only while they are granted', () => {
    for (const { of, because } of EXCEPTIONS) {
      expect(
        granted.map(textOf).some((permission) => of.test(permission)),
        because,
      ).toBe(true);
    }
  });
});
