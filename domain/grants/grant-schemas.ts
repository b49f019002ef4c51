import * as z from 'zod/mini';
import { DomainId } from '../shared/domain-id.ts';

/** What may be said of a grant, the same over every way in: HTTP routes and trusted events. */

const MAX_POINTS = 100_000;
const REASON_BYTES = 300;
const GRANTED_BY_BYTES = 100;

/** UTF-8 bytes: lines are billed by them. Half of a surrogate pair would not come back as it went, and break the hash. */
const text = (bytes: number) =>
  z
    .string()
    .check(
      z.refine(
        (value) => value.isWellFormed() && value.length > 0 && new TextEncoder().encode(value).length <= bytes,
        `expected 1 to ${bytes} bytes of text`,
      ),
    );

export const Reason = text(REASON_BYTES);
export const GrantedBy = text(GRANTED_BY_BYTES);

const points = (least: number) =>
  z
    .int(`expected a whole number`)
    .check(z.gte(least, `expected ${least} to ${MAX_POINTS}`), z.lte(MAX_POINTS, `expected ${least} to ${MAX_POINTS}`));
export const AwardPoints = points(1);
export const BadgePoints = points(0);

const notStarting = (prefix: string) =>
  z.refine<string>((id) => !id.startsWith(prefix), `expected an id that does not start with ${prefix}`);
/** `award:badge:…` are the contributions of badges. */
export const AwardId = DomainId.check(notStarting('badge:'));
/** `tier-…` are the badges that scores give by themselves. */
export const BadgeId = DomainId.check(notStarting('tier-'));
