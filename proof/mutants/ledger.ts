import { mutant, withoutFirst, withoutRevision, type Mutant } from './mutant.ts';

const LEDGER = 'functions/adapters/dynamodb/grants/grant-ledger.ts';
const GRANT = 'domain/grants/grant-points.ts';
const DECIDE = 'domain/grants/decide-grants.ts';
const COMMITMENT = 'domain/grants/commitment.ts';
const READ = 'domain/grants/read-lines.ts';
const TOGETHER = 'functions/adapters/dynamodb/shared/write-together.ts';
const LEDGER_TEST = 'test/adapters/grant-ledger.test.ts';
const DECIDE_TEST = 'test/domain/grants/decide-grants.test.ts';
const READ_TEST = 'test/domain/grants/granted.test.ts';
const AWARD_TEST = 'test/functions/record-award.test.ts';
const ERRORS_TEST = 'test/adapters/error-paths.test.ts';

/** What holds the ledger: each grant once, balances that are sums, a chain that anybody can prove. */
export const ledgerMutants: readonly Mutant[] = [
  mutant(
    'line-condition',
    'a line is written only if its id is new',
    LEDGER,
    ['    ...ifNew,\n', ''],
    LEDGER_TEST,
    'dynoxide',
  ),
  mutant(
    'balance-condition',
    'a balance changes only from the seq that was read',
    LEDGER,
    withoutRevision('before.seq', ", 'seq'"),
    LEDGER_TEST,
    'dynoxide',
  ),
  mutant(
    'first-balance-condition',
    'a first balance never replaces another one',
    LEDGER,
    withoutFirst('before.seq', ", 'seq'"),
    LEDGER_TEST,
    'dynoxide',
  ),
  mutant(
    'one-transaction',
    'lines and balance are written together or not at all',
    TOGETHER,
    [
      'await client.send(new TransactWriteItemsCommand({ TransactItems: [...actions] }));',
      'for (const action of actions) await client.send(new TransactWriteItemsCommand({ TransactItems: [action] }));',
    ],
    LEDGER_TEST,
    'dynoxide',
  ),
  mutant(
    'own-grant',
    'a grant whose answer was lost is recognized by its writer',
    GRANT,
    ['const isOurs = grant?.writeId === writeId;', 'const isOurs = false;'],
    'test/domain/grants/grant-points.test.ts',
  ),
  mutant(
    'grant-looked-for',
    'an existing grant with the same id is found, not retried',
    GRANT,
    [
      'const existing = new Map(found.flatMap((grant) => (grant ? [[grant.line.grantId, grant.line]] : [])));',
      'const existing = new Map<string, GrantLine>();',
    ],
    AWARD_TEST,
    'grants once',
  ),
  mutant(
    'grant-decided-again',
    'a grant is decided again if the balance changed',
    GRANT,
    ["if (isStale) return 'stale';", ''],
    'test/domain/grants/grant-points.test.ts',
  ),
  mutant(
    'conflict-told',
    'an id that is used again with other content is a conflict',
    DECIDE,
    ["kind: isSameGrant(request, line) ? 'duplicate' : 'conflict'", "kind: 'duplicate'"],
    DECIDE_TEST,
  ),
  mutant(
    'chain',
    'each line holds the hash of the one before it',
    DECIDE,
    ['previousHash: balance.head,', 'previousHash: null,'],
    DECIDE_TEST,
  ),
  mutant(
    'hashed-whole',
    "a line's hash covers its place and the line before it",
    'domain/grants/line-hash.ts',
    ['    line.previousHash,\n', ''],
    DECIDE_TEST,
  ),
  mutant(
    'commitments-audited',
    'an audit finds a text that its line did not commit to',
    COMMITMENT,
    ['sha256(bytes) === commitment ?', 'sha256(bytes) !== null ?'],
    'test/domain/grants/audit.test.ts',
  ),
  mutant(
    'reversed-once',
    'a grant is reversed once: the reversal has an id of its own',
    'domain/grants/grant.ts',
    ['grantId: reversalId(grantId),', 'grantId: `${reversalId(grantId)}:${at}`,'],
    AWARD_TEST,
    'reverse',
  ),
  mutant(
    'grants-read-again',
    'the lines are read again if the balance changed',
    'domain/grants/granted.ts',
    ['if (known !== null && known.balance.seq === balance.seq) return known;', 'if (known !== null) return known;'],
    READ_TEST,
  ),
  mutant(
    'index-lag-awaited',
    'an index that lags behind the balance is read again',
    READ,
    ['if (isWhole(found) || attempt === MAX_TRIES) return found;', 'return found;'],
    READ_TEST,
  ),
  mutant(
    'cancelled-for-a-while',
    'a transaction cancelled by a conflict or throttling is decided again',
    TOGETHER,
    ["code === 'ConditionalCheckFailed' || isPassingReason(code)", "code === 'ConditionalCheckFailed'"],
    ERRORS_TEST,
    'together',
  ),
  mutant(
    'second-send-overtakes',
    "the result is read again if the SDK's second send meets the first one",
    TOGETHER,
    ['if (error instanceof TransactionInProgressException) return false;', ''],
    ERRORS_TEST,
    'together',
  ),
];
