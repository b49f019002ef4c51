import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const TREES = ['domain', 'functions', 'infra', 'local', 'operator', 'pages', 'bin', 'bench', 'proof'];

const parse = (file: string, text: string) => ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

const nodesOf = (node: ts.Node): ts.Node[] => {
  const nodes = [node];
  ts.forEachChild(node, (child) => void nodes.push(...nodesOf(child)));
  return nodes;
};

/** The modules that a node imports from, also for types. */
const importOf = (node: ts.Node): string[] => {
  const isImport = ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
  if (isImport && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) return [node.moduleSpecifier.text];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [from] = node.arguments;
    return [from && ts.isStringLiteral(from) ? from.text : '(computed)'];
  }
  if (ts.isImportTypeNode(node)) {
    return [node.argument.getText().slice(1, -1)];
  }
  return [];
};

/** The allowed imports of a path. The first pattern that matches the importing file decides. */
const RULES: readonly {
  readonly of: RegExp;
  readonly may: (target: string, file: string) => boolean;
}[] = [
  {
    of: /^domain\//,
    may: (target, file) =>
      target === 'zod/mini' ||
      (target === '#community' && file === 'domain/rules/current-rules.ts') ||
      (target.startsWith('domain/') && isOnOrBelow(target, file)),
  },
  {
    of: /^functions\/[^/]+\/env\.ts$/,
    may: (target) => target === 'zod/mini' || target === 'functions/runtime/variables.ts',
  },
  // Code for browsers: it may import pure functions and types of the domain, and no zod.
  { of: /^pages\//, may: (target) => isPackage(target) || /^(pages|domain)\//.test(target) },
  {
    of: /^functions\/serve-pages\//,
    may: (target) => mayFunction(target) || /^functions\/(serve-pages|read-api)\/|^pages\//.test(target),
  },
  {
    of: /^functions\/adapters\//,
    may: (target) => isPackage(target) || isNames(target) || /^(domain|functions\/adapters)\//.test(target),
  },
  {
    of: /^functions\/runtime\//,
    may: (target) => isPackage(target) || /^(domain|functions\/runtime)\//.test(target),
  },
  {
    of: /^functions\//,
    may: (target, file) =>
      mayFunction(target) ||
      posix.dirname(target) === posix.dirname(file) ||
      /^functions\/[^/]+\/(?:all-)?routes\.ts$/.test(target), // the sources of the OpenAPI document
  },
  {
    of: /^infra\//,
    may: (target) =>
      isPackage(target) ||
      isNames(target) ||
      /^(infra\/|functions\/[^/]+\/env\.ts$|functions\/runtime\/variables\.ts$)/.test(target),
  },
  // It runs the functions' bundles. An import of their sources would wire them twice.
  {
    of: /^local\//,
    may: (target) =>
      isPackage(target) ||
      /^(local\/|domain\/|functions\/(adapters|runtime)\/|infra\/synth-if-stale\.ts$)/.test(target),
  },
  // It calls local and deployed stacks. Of the local stack it only knows the content of `local.json`.
  {
    of: /^operator\//,
    may: (target) =>
      isPackage(target) ||
      /^(operator\/|domain\/|functions\/(adapters|runtime)\/|local\/local-description\.ts$)/.test(target),
  },
  // The model of the rules shares no code with what it is compared with.
  { of: /^proof\/model\//, may: (target) => isPackage(target) || target.startsWith('proof/model/') },
  { of: /^proof\//, may: (target) => !target.startsWith('bin/') },
  { of: /^bin\//, may: (target) => !target.startsWith('test/') },
  { of: /./, may: (target) => !/^(test|operator)\//.test(target) },
];

const mayFunction = (target: string) =>
  isPackage(target) || /^(domain|functions\/adapters|functions\/runtime)\//.test(target);

/** Names that the stack gives: they are not code. */
const isNames = (target: string) => target === 'functions/runtime/names.ts';

const isPackage = (target: string) =>
  !TREES.some((tree) => target.startsWith(`${tree}/`)) && !target.startsWith('test/');

/** The layers of the domain, lowest first: a folder imports from itself and from the layers below it. */
const FLOORS = [
  'shared',
  'identity',
  'rules',
  'messages',
  'grants',
  'registry',
  'telemetry',
  'hooks',
  'scoring',
  'leaderboards',
  'metrics',
  'change-feed',
  'backfill',
  'consistency-check',
];
const floorOf = (path: string) => FLOORS.indexOf(path.split('/')[1] ?? '');
const isOnOrBelow = (target: string, file: string) => floorOf(target) >= 0 && floorOf(target) <= floorOf(file);

/** Imports against the direction of the data flow, as `file → target`. */
const wrongImports = (file: string, text: string): string[] => {
  const rule = RULES.find(({ of }) => of.test(file))!;
  return nodesOf(parse(file, text))
    .flatMap(importOf)
    .map((from) => (from.startsWith('.') ? posix.join(posix.dirname(file), from) : from))
    .filter((target) => {
      const isHotPath = file.startsWith('functions/');
      return !rule.may(target, file) || (isHotPath && target === 'zod');
    })
    .map((target) => `${file} → ${target}`);
};

const AMBIENT = new Set([
  'process',
  'crypto',
  'performance',
  'globalThis',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'console',
  'Temporal',
]);

const isNameOfAMember = (node: ts.Identifier): boolean =>
  (ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) ||
  ((ts.isPropertyAssignment(node.parent) ||
    ts.isPropertySignature(node.parent) ||
    ts.isMethodSignature(node.parent) ||
    ts.isMethodDeclaration(node.parent)) &&
    node.parent.name === node);

/** The places where a file reads the clock, randomness or the environment instead of getting them from its caller. */
const ambientUses = (file: string, text: string): string[] =>
  nodesOf(parse(file, text))
    .filter((node) => {
      if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && !node.arguments?.length;
      if (ts.isCallExpression(node)) return node.expression.getText() === 'Date';
      if (ts.isPropertyAccessExpression(node)) return ['Date.now', 'Math.random'].includes(node.getText());
      return ts.isIdentifier(node) && AMBIENT.has(node.text) && !isNameOfAMember(node);
    })
    .map((node) => `${file}: ${node.getText()}`);

/** The places where a file creates a client of an AWS service. */
const clientsMade = (file: string, text: string): string[] =>
  nodesOf(parse(file, text))
    .filter((node) => ts.isNewExpression(node) && node.expression.getText().endsWith('Client'))
    .map((node) => `${file}: ${node.getText()}`);

type Source = { readonly file: string; readonly text: string };
const filesOf = (tree: string): Source[] =>
  readdirSync(join(ROOT, tree), { recursive: true })
    .map((path) => posix.join(tree, String(path)))
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }));
const sources = TREES.flatMap(filesOf);

describe('the tree', () => {
  it('has files to check', () => {
    expect(sources.map(({ file }) => file)).toContain('domain/shared/result.ts');
    expect(sources.map(({ file }) => file)).toContain('infra/laurel-stack.ts');
  });

  it('imports along the data flow: functions → domain ← adapters, and infra imports only env files of the functions', () => {
    expect(sources.flatMap(({ file, text }) => wrongImports(file, text))).toEqual([]);
  });

  it('keeps clock, randomness and environment out of the domain', () => {
    const domain = sources.filter(({ file }) => file.startsWith('domain/'));

    expect(domain.flatMap(({ file, text }) => ambientUses(file, text))).toEqual([]);
  });

  it('reads stored items in one place, which knows the versions of their formats', () => {
    const readers = sources.filter(({ file, text }) => file.startsWith('functions/') && /\bunmarshall\b/u.test(text));
    expect(readers.map(({ file }) => file)).toEqual(['functions/adapters/dynamodb/shared/format.ts']);
  });

  it('creates the clients of functions in one place, which sets their timeouts', () => {
    const made = sources
      .filter(({ file }) => file.startsWith('functions/'))
      .flatMap(({ file, text }) => clientsMade(file, text));
    expect(new Set(made.map((each) => each.split(':')[0]))).toEqual(new Set(['functions/runtime/aws-clients.ts']));
  });

  it('exports nothing that only tests use', () => {
    // Lambda calls handlers, resources are imported as a whole, and proof/ is for tests as well.
    const isElsewhere = /^proof\/|^local\/template\/resources\.ts|: handler$/u;
    expect(exportsInVain(sources).filter((found) => !isElsewhere.test(found))).toEqual([]);
  });

  it('keeps every file under 400 lines, tests too', () => {
    const long = [...sources, ...filesOf('test')].filter(({ text }) => text.split('\n').length > 400);
    expect(long.map(({ file }) => file)).toEqual([]);
  });
});

/** The names that a file imports from others, also when it runs. */
const namesImported = (text: string): string[] =>
  [...text.matchAll(/(?:import|export) (?:type )?\{([^}]*)\} from|\{([^{}]*)\} = \(?await import\(/gu)]
    .flatMap(([, names, atRun]) => (names ?? atRun ?? '').split(','))
    .map((name) =>
      name
        .trim()
        .replace(/^type /u, '')
        .split(/ as |:/u)[0]!
        .trim(),
    );

/** Values that a product file exports although no other product file imports them, and it does not use them itself. */
const exportsInVain = (product: readonly Source[]): string[] => {
  const imported = new Set(product.flatMap(({ text }) => namesImported(text)));
  return product.flatMap(({ file, text }) =>
    [...text.matchAll(/^export (?:async )?(?:const|function\*?|class) (\w+)/gmu)]
      .map(([, name]) => name!)
      .filter((name) => !imported.has(name) && text.match(new RegExp(`\\b${name}\\b`, 'gu'))!.length === 1)
      .map((name) => `${file}: ${name}`),
  );
};

describe('the rule of imports', () => {
  it.each([
    ['domain/grants/b.ts', `import type { x } from '../registry/extension.ts';`],
    ['domain/shared/b.ts', `import { x } from '../identity/username.ts';`],
    ['domain/grants/b.ts', `import { x } from '../no-floor/c.ts';`],
    ['domain/a/b.ts', `import { x } from '../../functions/runtime/once.ts';`],
    ['domain/a/b.ts', `import type { x } from '../../functions/adapters/sqs/queue.ts';`],
    ['domain/a/b.ts', `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';`],
    ['domain/a/b.ts', `import { createHash } from 'node:crypto';`],
    ['domain/a/b.ts', `import * as z from 'zod';`],
    ['domain/a/b.ts', `export { x } from '../../infra/stage.ts';`],
    ['domain/a/b.ts', `const x = await import('node:fs');`],
    ['domain/a/b.ts', `type X = import('node:fs').Stats;`],
    ['functions/adapters/sqs/a.ts', `import { x } from '../../refresh-score/env.ts';`],
    ['functions/runtime/a.ts', `import type { x } from '../adapters/sqs/queue.ts';`],
    ['functions/read-api/handler.ts', `import { x } from '../manage-keys/handler.ts';`],
    ['functions/read-api/handler.ts', `import * as z from 'zod';`],
    ['functions/read-api/handler.ts', `import { x } from '../../infra/stage.ts';`],
    ['functions/read-api/env.ts', `import { x } from '../../domain/shared/result.ts';`],
    ['infra/a.ts', `import { x } from '../functions/runtime/once.ts';`],
    ['infra/a.ts', `import type { X } from '../functions/read-api/handler.ts';`],
    ['infra/a.ts', `import { x } from '../domain/shared/result.ts';`],
    ['local/a.ts', `import { ReadApiEnv } from '../functions/read-api/env.ts';`],
    ['local/a.ts', `import { LaurelStack } from '../infra/laurel-stack.ts';`],
    ['local/a.ts', `import { handler } from '../functions/read-api/handler.ts';`],
    ['bin/a.ts', `import { x } from '../test/support/template.ts';`],
    ['operator/a.ts', `import { startLocalStack } from '../local/local-stack.ts';`],
    ['operator/a.ts', `import { LaurelStack } from '../infra/laurel-stack.ts';`],
    ['operator/a.ts', `import { handler } from '../functions/read-api/handler.ts';`],
    ['local/a.ts', `import { connect } from '../operator/connection.ts';`],
    ['bench/a.ts', `import { connect } from '../operator/connection.ts';`],
    ['proof/model/a.ts', `import { foldHour } from '../../domain/scoring/fold.ts';`],
  ])('refuses in %s: %s', (file, text) => {
    expect(wrongImports(file, text)).toHaveLength(1);
  });

  it.each([
    ['domain/grants/b.ts', `import * as z from 'zod/mini'; import { ok } from '../shared/result.ts';`],
    ['domain/grants/b.ts', `import { x } from './c.ts';`],
    ['functions/adapters/sqs/a.ts', `import { SQSClient } from '@aws-sdk/client-sqs';`],
    ['functions/adapters/sqs/a.ts', `import { ROLE_TAG } from '../../runtime/names.ts';`],
    ['functions/read-api/handler.ts', `import { x } from './env.ts'; import { y } from '../runtime/once.ts';`],
    ['functions/read-api/routes.ts', `import { x } from '../manage-keys/routes.ts';`],
    ['infra/a.ts', `import { ReadApiEnv } from '../functions/read-api/env.ts';`],
    ['local/a.ts', `import { synthIfStale } from '../infra/synth-if-stale.ts';`],
    ['operator/a.ts', `import { LocalDescription } from '../local/local-description.ts';`],
    ['bin/a.ts', `import { operatorProgram } from '../operator/program.ts';`],
  ])('allows in %s: %s', (file, text) => {
    expect(wrongImports(file, text)).toEqual([]);
  });
});

describe('the rule for exports', () => {
  it('sees what nobody else imports and the file itself does not use', () => {
    const file = 'domain/a.ts';
    const text = 'export const own = 1;\nexport const vain = own;\nexport function used() {}';
    const other = { file: 'domain/b.ts', text: `import { type T, used as x } from './a.ts';` };
    expect(exportsInVain([{ file, text }, other])).toEqual(['domain/a.ts: vain']);
  });
});

describe('the rule for clients', () => {
  it.each([['const c = new DynamoDBClient();'], ['const c = new sdk.SQSClient({ region });']])('sees %s', (text) => {
    expect(clientsMade('functions/a/handler.ts', text)).toHaveLength(1);
  });
});

describe('the rule for the domain', () => {
  it.each([
    ['const now = Date.now();'],
    ['const now = new Date();'],
    ['const now = new Date;'],
    ['const now = Date();'],
    ['const clock = Date.now;'],
    ['const chance = Math.random();'],
    ['const id = crypto.randomUUID();'],
    ['const table = process.env.TABLE;'],
    ['const { env } = process;'],
    ['const now = performance.now();'],
    ['setTimeout(() => undefined, 1);'],
    ['const now = globalThis.Date.now();'],
  ])('refuses %s', (text) => {
    expect(ambientUses('domain/a.ts', text)).not.toEqual([]);
  });

  it.each([['new Date(epochMs).toISOString()'], ['Date.parse(text)'], ['Date.UTC(2026, 0, 1)'], ['job.process()']])(
    'allows %s',
    (text) => {
      expect(ambientUses('domain/a.ts', text)).toEqual([]);
    },
  );
});
