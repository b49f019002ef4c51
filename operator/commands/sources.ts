import type { Command } from 'commander';
import * as z from 'zod';
import { pathOfSource, SourceName, type HookSources } from '../../domain/hooks/hook-source.ts';
import { PLACES } from '../../domain/identity/logins.port.ts';
import { isoOf } from '../../domain/shared/utc.ts';
import { dynamoHookSources } from '../../functions/adapters/dynamodb/hooks/hook-sources.ts';
import { randomToken } from '../../functions/runtime/environment.ts';
import { addOperation, type Context, type Runtime } from '../operation.ts';
import { EXIT, OperatorError } from '../outcome.ts';
import { tableOf } from '../output.ts';

const KEEP_IT =
  'Store it now: it is shown only once. Laurel keeps it where only the function that checks signatures reads it.';
const input = { place: z.enum(PLACES, `expected ${PLACES.join(' or ')}`), name: SourceName };
const SECRET_BYTES = 32;

const sourcesOf = (connect: Context['connect']): HookSources => {
  const connection = connect();
  const sources = dynamoHookSources(connection.dynamodb(), connection.tableName('hook_sources'));
  return sources;
};

/** Adds `sources create | list | rotate | end-rotation | delete`. */
export function addSourceCommands(program: Command, runtime: Runtime): void {
  const sources = program.command('sources').description('where hooks come from, and the secrets that sign them');

  addOperation(sources, runtime, {
    usage: 'create <place> <name>',
    summary: 'create a source; its secret is shown only once',
    help: `
  laurel sources create github acme --json
  laurel sources create discourse forum

docs/hooks.md shows where to enter the secret and the path. The command writes to the table, so its AWS credentials
need that permission.
`,
    input,
    async run({ connect, output, clock }, source) {
      const secret = randomToken(SECRET_BYTES);
      const outcome = await sourcesOf(connect).create(source, secret, isoOf(clock()));
      if (outcome === 'exists') throw new OperatorError('exists', `there is a source ${nameOf(source)} already`);
      const path = pathOfSource(source);
      output.result({ ...source, secret, path }, `path    ${path}\nsecret  ${secret}`);
      output.note(KEEP_IT);
      return EXIT.ok;
    },
  });

  addOperation(sources, runtime, {
    usage: 'list',
    summary: 'list all sources, without their secrets',
    help: '  laurel sources list --json',
    input: {},
    async run({ connect, output }) {
      const all = (await sourcesOf(connect).list()).map((source) => ({ ...source, path: pathOfSource(source) }));
      const rows = all.map(({ path, createdAt, rotatedAt }) => [
        path,
        createdAt,
        rotatedAt === undefined ? '' : `two secrets since ${rotatedAt}`,
      ]);
      output.result({ sources: all }, tableOf(['path', 'created', 'rotation'], rows));
      return EXIT.ok;
    },
  });

  addOperation(sources, runtime, {
    usage: 'rotate <place> <name>',
    summary: 'create a new secret; the one before stays valid until end-rotation',
    help: `
  laurel sources rotate github acme        enter the new secret at GitHub, then:
  laurel sources end-rotation github acme
`,
    input,
    async run({ connect, output, clock }, source) {
      const secret = randomToken(SECRET_BYTES);
      const outcome = await sourcesOf(connect).rotate(source, secret, isoOf(clock()));
      if (outcome === 'refused') {
        const why = 'is unknown, or has two secrets already: end that rotation first';
        throw new OperatorError('not_rotated', `the source ${nameOf(source)} ${why}`);
      }
      const path = pathOfSource(source);
      output.result({ ...source, secret, path }, `path    ${path}\nsecret  ${secret}`);
      output.note(KEEP_IT);
      return EXIT.ok;
    },
  });

  addOperation(sources, runtime, {
    usage: 'end-rotation <place> <name>',
    summary: 'from now on only the newest secret is valid',
    help: '  laurel sources end-rotation github acme',
    input,
    async run({ connect, output }, source) {
      if ((await sourcesOf(connect).endRotation(source)) === 'refused') {
        throw new OperatorError('not_rotating', `the source ${nameOf(source)} is unknown, or has only one secret`);
      }
      output.result({ ...source, rotationEnded: true }, `${nameOf(source)} has one secret again`);
      return EXIT.ok;
    },
  });

  addOperation(sources, runtime, {
    usage: 'delete <place> <name>',
    summary: 'delete a source; its hooks are refused from now on, and what has counted stays',
    help: '  laurel sources delete github acme',
    input,
    async run({ connect, output }, source) {
      const isRemoved = await sourcesOf(connect).remove(source);
      if (!isRemoved) throw new OperatorError('unknown_source', `there is no source ${nameOf(source)}`);
      output.result({ ...source, deleted: true }, `${nameOf(source)} is deleted`);
      return EXIT.ok;
    },
  });
}

const nameOf = ({ place, name }: { readonly place: string; readonly name: string }) => `${place} ${name}`;
