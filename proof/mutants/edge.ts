import { mutant, withoutCondition, type Mutant } from './mutant.ts';

const KEYS = 'functions/adapters/dynamodb/identity/credentials.ts';
const AUTHENTICATE = 'domain/identity/authenticate.ts';
const AWS_ENDPOINT_TEST = 'test/local/aws-endpoint.test.ts';
const HTTP = 'functions/runtime/http-function.ts';
const BODY = 'functions/runtime/request-body.ts';
const PROXY = 'local/proxy/aws-proxy.ts';
const POLICY = 'local/proxy/policy.ts';
const LEAN = 'functions/runtime/lean-calls.ts';
const CLIENTS_TEST = 'test/functions/aws-clients.test.ts';
const KEYS_TEST = 'test/adapters/credentials.test.ts';
const IDENTITY_TEST = 'test/domain/identity/identity.test.ts';
const MANAGE_TEST = 'test/functions/manage-keys.test.ts';
const INGEST_TEST = 'test/functions/ingest-telemetry.test.ts';
const BODY_TEST = 'test/functions/request-body.test.ts';
const PERMISSIONS_TEST = 'test/local/permissions.test.ts';

/** Guards at the edges: keys, scopes, limits, and the permissions of each function. */
export const edgeMutants: readonly Mutant[] = [
  mutant(
    'transaction-token',
    'a transaction that is tried again is the same one',
    LEAN,
    ['{ ClientRequestToken: randomUUID(), ...input }', "{ ...input, ClientRequestToken: '' }"],
    CLIENTS_TEST,
  ),
  mutant(
    'key-exists-condition',
    'a revocation or a use never creates a key',
    KEYS,
    ['      ...ifThere,\n', ''],
    KEYS_TEST,
    'dynoxide',
  ),
  mutant(
    'key-condition',
    'a key never replaces another one with its id',
    KEYS,
    withoutCondition('attribute_not_exists(pk) OR #hash = :hash'),
    KEYS_TEST,
    'dynoxide',
  ),
  mutant(
    'own-key',
    'a key whose answer was lost is recognized by its writer',
    KEYS,
    [
      "'attribute_not_exists(pk) OR #hash = :hash'",
      "'attribute_not_exists(pk) AND (attribute_not_exists(pk) OR #hash = :hash)'",
    ],
    KEYS_TEST,
    'dynoxide',
  ),
  mutant(
    'revoked-once',
    'the first time of a revocation stays',
    KEYS,
    [
      "isRevocation ? 'SET #time = if_not_exists(#time, :value)' : 'SET #time = :value'",
      "isRevocation ? 'SET #time = :value' : 'SET #time = :value'",
    ],
    KEYS_TEST,
    'dynoxide',
  ),
  mutant(
    'revoked-key',
    'a revoked key is unknown',
    AUTHENTICATE,
    ['credential?.hash === hash && credential.revokedAt === undefined', 'credential?.hash === hash'],
    IDENTITY_TEST,
  ),
  mutant(
    'whole-hash',
    'a key is found by its whole hash',
    AUTHENTICATE,
    [
      'credential?.hash === hash && credential.revokedAt === undefined',
      'credential !== undefined && credential.revokedAt === undefined',
    ],
    IDENTITY_TEST,
  ),
  mutant(
    'hit-for-a-minute',
    'a key that was found is looked up again after 60 s',
    AUTHENTICATE,
    ['if (hit !== undefined && now < hit.until) return', 'if (hit !== undefined) return'],
    IDENTITY_TEST,
  ),
  {
    name: 'miss-not-remembered',
    guard: 'a key works as soon as it exists',
    changes: [
      {
        file: AUTHENTICATE,
        find: '  const hits = new Map<string,',
        replace: '  const misses = new Set();\n  const hits = new Map<string,',
      },
      {
        file: AUTHENTICATE,
        find: '    const hit = hits.get(hash);\n',
        replace: '    if (misses.has(hash)) return undefined;\n    const hit = hits.get(hash);\n',
      },
      {
        file: AUTHENTICATE,
        find: '    if (!isValid) return undefined;\n',
        replace: '    if (!isValid) {\n      misses.add(hash);\n      return undefined;\n    }\n',
      },
    ],
    caughtBy: [IDENTITY_TEST],
  },
  mutant(
    'secret-kept-as-hash',
    'a list of keys shows nothing that lets one be used',
    'functions/manage-keys/routes.ts',
    [
      '  prefix: z.string(),\n  createdAt: z.iso.datetime(),\n  lastUsedAt',
      '  prefix: z.string(),\n  hash: z.string(),\n  createdAt: z.iso.datetime(),\n  lastUsedAt',
    ],
    MANAGE_TEST,
  ),
  mutant(
    'key-needed',
    'a route that needs a key refuses requests without one',
    HTTP,
    ["    return err(problem('unknown_key', 'x-api-key: expected a key'));\n", '    return ok(undefined);\n'],
    [MANAGE_TEST, 'test/functions/record-award.test.ts'],
    '401|refused|identity',
  ),
  mutant(
    'unknown-key',
    'an unknown key is refused, even if the route needs none',
    HTTP,
    ['return admission === undefined ? err(unknownKey()) : ok(admission);', 'return ok(admission);'],
    INGEST_TEST,
    'refused',
  ),
  mutant(
    'missing-scope',
    'a key without the scope of a route is refused',
    HTTP,
    ['credential === undefined || !hasScope(credential, access.scope)', 'credential === undefined'],
    MANAGE_TEST,
  ),
  mutant(
    'no-stack-told',
    'an unexpected error is answered without its text',
    HTTP,
    ['return internalFault(requestId);', 'return internalFault(String(error));'],
    INGEST_TEST,
    'internal error',
  ),
  mutant(
    'through-the-edge',
    'with an edge, a request that did not come through it is refused',
    'functions/runtime/http-env.ts',
    ['sent.length === secret.length && timingSafeEqual(sent, secret)', 'sent.length > 0'],
    'test/functions/runtime.test.ts',
    'behind CloudFront',
  ),
  mutant(
    'route-permitted',
    'the gateway invokes a function only for what its resource policy covers',
    'local/http/http-front.ts',
    ['principal === GATEWAY && covers(source)', 'principal === GATEWAY'],
    PERMISSIONS_TEST,
    'gateway',
  ),
  mutant(
    'body-encoding',
    'bytes that are not UTF-8 are refused, so that no two ids become one',
    BODY,
    ['{ fatal: true }', '{ fatal: false }'],
    BODY_TEST,
    'encoding of a body',
  ),
  mutant(
    'denied-is-refused',
    'a call that a role does not allow is refused',
    PROXY,
    ['const refused = caller && refusalOf(caller, target, accesses, options.onDenial);', 'const refused = undefined;'],
    PERMISSIONS_TEST,
  ),
  mutant(
    'nothing-is-no-permission',
    'an action that no statement names is refused',
    POLICY,
    ['applying.length > 0 && ', ''],
    PERMISSIONS_TEST,
  ),
  mutant(
    'foreign-pages',
    'a page of another origin cannot call a local service',
    'local/proxy/guard.ts',
    ['if (LOOPBACK.test(host) && isOwn) return undefined;', 'if (LOOPBACK.test(host)) return undefined;'],
    AWS_ENDPOINT_TEST,
  ),
];
