import * as z from 'zod/mini';
import { DomainId } from '../shared/domain-id.ts';
import { printableText } from '../shared/text.ts';

/** The fields of a grant, the same for HTTP routes and trusted events. */

const MAX_POINTS = 100_000;

export const Reason = printableText({ characters: 300, bytes: 300 });
export const GrantedBy = printableText({ characters: 100, bytes: 100 });

function points(least: number) {
  const expected = `expected a whole number from ${least} to ${MAX_POINTS}`;
  return z.int(expected).check(z.gte(least, expected), z.lte(MAX_POINTS, expected));
}
export const AwardPoints = points(1);
export const BadgePoints = points(0);

const notStarting = (prefix: string) =>
  z.refine<string>((id) => !id.startsWith(prefix), `expected an id that does not start with ${prefix}`);
/** `award:badge:…` are the contributions of badges. */
export const AwardId = DomainId.check(notStarting('badge:'));
/** `tier-…` are the badges that scores give by themselves. */
export const BadgeId = DomainId.check(notStarting('tier-'));
