import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import * as z from 'zod';
import { LoginFields, PLACES } from '../../domain/identity/logins.port.ts';
import { Username } from '../../domain/identity/username.ts';
import { check, sentenceOf } from '../../domain/shared/faults.ts';
import { ApiError, callApi, jsonOf } from '../api.ts';
import { hintOf } from '../connection.ts';
import { addOperation, type Runtime } from '../operation.ts';
import { EXIT, OperatorError, usageError } from '../outcome.ts';
import { counted } from '../output.ts';

const ListedLogin = z.strictObject({
  username: Username,
  place: z.enum(PLACES, `expected ${PLACES.join(' or ')}`).default('github'),
  ...LoginFields,
});
const Linked = z.object({ username: z.string(), id: z.int(), login: z.string() });

/** Adds `users link-logins`. */
export function addLinkLoginsCommand(users: Command, runtime: Runtime): void {
  addOperation(users, runtime, {
    usage: 'link-logins <file>',
    summary: 'link the logins of a signed list to accounts',
    options: [
      new Option('--signature <file>', 'the signature of the list: as it is, or in base64'),
      new Option('--public-key <file>', 'the public key of the person who signed it: PEM, of Ed25519, ECDSA or RSA'),
      new Option('--yes', 'link; without it every line is judged, and nothing is changed'),
    ],
    help: `
Each line of the list is a JSON object: username, place (github or discourse; github if it is missing), id and login.
A list whose signature is wrong links nothing. A line that was linked before changes nothing. Exits with ${EXIT.found} if lines were
refused.

  openssl pkeyutl -sign -rawin -inkey community.key -in logins.ndjson -out logins.sig
  laurel users link-logins logins.ndjson --signature logins.sig --public-key community.pem
  laurel users link-logins logins.ndjson --signature logins.sig --public-key community.pem --yes
`,
    input: {
      file: z.string(),
      signature: z.string('expected the file with the signature of the list'),
      publicKey: z.string('expected the file with the public key'),
      yes: z.boolean().default(false),
    },
    async run({ connect, output, target }, { file, signature, publicKey, yes }) {
      const list = readOf('file', file);
      if (!isSigned(list, readOf('--signature', signature), keyOf(publicKey))) {
        throw new OperatorError('bad_signature', `${signature} is not the signature of ${file} by ${publicKey}`);
      }
      const http = connect().http();
      const refused: { readonly line: number; readonly error: string }[] = [];
      let [lines, accepted] = [0, 0];
      for (const [index, text] of list.toString('utf8').split(/\r?\n/u).entries()) {
        if (text.trim() === '') continue;
        lines += 1;
        const listed = check(ListedLogin, jsonOf(text), 'line');
        const error = !listed.ok ? sentenceOf(listed.error) : yes ? await faultOfLink(listed.value) : undefined;
        if (error === undefined) accepted += 1;
        else {
          refused.push({ line: index + 1, error });
          output.note(`line ${index + 1}: ${error}`);
        }
      }
      const done = yes ? 'linked' : 'can be linked';
      const text = `${counted(lines, 'line')} read: ${counted(accepted, 'login')} ${done}, ${refused.length} refused`;
      output.result({ dryRun: !yes, lines, accepted, refused }, text);
      const again = `users link-logins ${file} --signature ${signature} --public-key ${publicKey} --yes`;
      if (!yes) output.note(`Nothing was changed. To link them: ${hintOf(target, again)}`);
      return refused.length > 0 ? EXIT.found : EXIT.ok;

      /** What is wrong with this line; an error that concerns all lines is thrown. */
      async function faultOfLink({
        username,
        place,
        ...body
      }: z.infer<typeof ListedLogin>): Promise<string | undefined> {
        try {
          const path = `/v1/users/${username}/logins/${place}`;
          await callApi(http, { method: 'PUT', path, body, answer: Linked });
          return undefined;
        } catch (error) {
          if (error instanceof ApiError && [404, 409, 422].includes(error.status)) return error.message;
          throw error;
        }
      }
    },
  });
}

function readOf(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error)
      throw usageError(`${name}: ${path} cannot be read: ${error.message}`);
    throw error;
  }
}

function keyOf(path: string): KeyObject {
  const pem = readOf('--public-key', path);
  try {
    return createPublicKey(pem);
  } catch (error) {
    if (error instanceof Error && 'code' in error) throw usageError(`--public-key: ${path}: expected a key in PEM`);
    throw error;
  }
}

const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/u;

function isSigned(list: Buffer, signature: Buffer, key: KeyObject): boolean {
  const algorithm = key.asymmetricKeyType === 'ed25519' ? null : 'sha256'; // Ed25519 has its own
  const text = signature.toString('latin1');
  const forms = [signature, ...(BASE64.test(text) ? [Buffer.from(text, 'base64')] : [])];
  return forms.some((form) => verify(algorithm, list, key, form));
}
