import * as z from 'zod/mini';
import { rulebook } from '../../domain/rules/current-rules.ts';
import type { RulesHistory } from '../../domain/rules/rules-history.port.ts';
import { RulesView, rulesView } from '../../domain/rules/views.ts';
import type { Clock } from '../../domain/shared/environment.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { route } from '../runtime/route.ts';

export type RulesReadDeps = { readonly rulesHistory: Pick<RulesHistory, 'since'>; readonly clock: Clock };

const CACHE_SECONDS = 60;

export const rulesRoutes = [
  route({
    method: 'GET',
    path: '/v1/rules',
    summary: 'How points work: every version of the rules, and which is in force',
    access: 'anyone',
    request: z.object({}),
    answers: { 200: { description: 'The rules as data', schema: RulesView } },
    cacheSeconds: CACHE_SECONDS,
    async handle(_request, { rulesHistory, clock }: RulesReadDeps) {
      return { status: 200, body: rulesView(rulebook, await rulesHistory.since(), isoOf(clock())) };
    },
  }),
];
