import * as z from 'zod/mini';
import type { SecretsOf } from '../../domain/hooks/hook-source.ts';
import { HookReport, takeDiscourseHook, takeGithubHook, type HookDeps } from '../../domain/hooks/take-hook.ts';
import type { Place } from '../../domain/identity/logins.port.ts';
import type { Result } from '../../domain/shared/result.ts';
import { problem, type Reply } from '../runtime/problems.ts';
import { PUBLISH_BODY, readJson } from '../runtime/request-body.ts';
import { route, type HttpDeps, type RouteContext } from '../runtime/route.ts';
import { isSigned } from './signature.ts';

export type TakeHooksDeps = HttpDeps & HookDeps & { readonly secretsOf: SecretsOf };

/** How each place names the headers of its hooks, and what becomes of their events. */
const HOOKS = {
  github: {
    summary: 'Take a hook of GitHub',
    signature: 'x-hub-signature-256',
    event: 'x-github-event',
    take: takeGithubHook,
  },
  discourse: {
    summary: 'Take a hook of Discourse',
    signature: 'x-discourse-event-signature',
    event: 'x-discourse-event',
    take: takeDiscourseHook,
  },
} as const;

const expectationOf = (header: string) =>
  `${header}: expected sha256= and the HMAC of the body by the secret of the source`;

const hookRoute = (place: Place) => {
  const { summary, signature, event, take } = HOOKS[place];
  return route({
    method: 'POST',
    path: `/hooks/${place}/{source}`,
    summary,
    access: 'signature',
    request: z.object({ params: z.object({ source: z.string() }), body: z.instanceof(Buffer) }),
    documentedBody: z.looseObject({}),
    answers: { 202: { description: 'Stored, a repeat, or ignored: the counts tell', schema: HookReport } },
    problems: ['busy'],
    async handle({ params: { source }, body }, deps: TakeHooksDeps, { headers }) {
      const from = { place, name: source };
      if (!(await isSigned(deps.secretsOf, from, { body, signature: headers[signature] }))) {
        return { ...problem('bad_signature', expectationOf(signature)), counts: { BadSignatures: 1 } };
      }
      const json = jsonOf(body, headers);
      if (!json.ok) return json.error;
      const report = await take(deps, { source, event: headers[event] ?? '', body: json.value });
      const counts = { Accepted: report.accepted, Duplicates: report.duplicates, Ignored: report.ignored };
      return { status: 202, body: report, counts };
    },
  });
};

export const routes = [hookRoute('github'), hookRoute('discourse')];

/** GitHub sends JSON, or a form with the JSON in one field. */
function jsonOf(body: Buffer, headers: RouteContext['headers']): Result<unknown, Reply> {
  const contentEncoding = headers['content-encoding'];
  if (!/^application\/x-www-form-urlencoded\b/iu.test(headers['content-type'] ?? '')) {
    return readJson({ body: body.toString('base64'), isBase64Encoded: true, contentEncoding }, PUBLISH_BODY);
  }
  const payload = new URLSearchParams(body.toString('utf8')).get('payload') ?? '';
  return readJson({ body: payload, isBase64Encoded: false, contentEncoding }, PUBLISH_BODY);
}
