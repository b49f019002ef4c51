import type { Sha256OfBytes } from '../shared/environment.ts';

/** The texts of a line. Its hash covers their commitments only, so a text can be erased and the chain still holds. */
const COMMITTED = ['reason', 'grantedBy'] as const;
type Committed = (typeof COMMITTED)[number];

/** A line's texts, each with its salt (hexadecimal) and its commitment. An erased text leaves its commitment. */
export type CommittedTexts = Readonly<
  Partial<Record<Committed | `${Committed}Salt` | `${Committed}Commitment`, string | null | undefined>>
>;

const SALT = /^(?:[0-9a-f]{2}){16}$/;

/** What is hashed: the 16 bytes of the salt, then the text in UTF-8. */
function committedBytes(salt: string, text: string): Uint8Array<ArrayBuffer> {
  const bytes = Array.from({ length: salt.length / 2 }, (_, n) => parseInt(salt.slice(2 * n, 2 * n + 2), 16));
  return new Uint8Array([...bytes, ...new TextEncoder().encode(text)]);
}

/**
 * Salts and commitments of a new line's texts. The salts come from a random seed that nobody keeps: one for all tries
 * of a write, so that each try makes the same line.
 */
export function commitTo(
  { grantId, ...texts }: { readonly grantId: string; readonly reason?: string; readonly grantedBy?: string },
  { seed, sha256 }: { readonly seed: string; readonly sha256: Sha256OfBytes },
) {
  const of = (part: Committed) => {
    const text = texts[part];
    if (text === undefined) return undefined;
    const salt = sha256(JSON.stringify([seed, grantId, part])).slice(0, 32);
    return { salt, commitment: sha256(committedBytes(salt, text)) };
  };
  const [reason, grantedBy] = [of('reason'), of('grantedBy')];
  return {
    ...(reason === undefined ? {} : { reasonSalt: reason.salt, reasonCommitment: reason.commitment }),
    ...(grantedBy === undefined ? {} : { grantedBySalt: grantedBy.salt, grantedByCommitment: grantedBy.commitment }),
  };
}

/** A text that is there: the bytes whose SHA-256 is its commitment. Null: it has no salt of 16 bytes. */
export type Opening = {
  readonly part: Committed;
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly commitment: string | null;
};

/** What is to be checked of a line's texts. A text that was erased together with its salt is not among them. */
export const openingsOf = (texts: CommittedTexts): readonly Opening[] =>
  COMMITTED.flatMap((part) => {
    const [text, salt] = [texts[part] ?? null, texts[`${part}Salt`] ?? null];
    if (text === null && salt === null) return [];
    const bytes = text !== null && salt !== null && SALT.test(salt) ? committedBytes(salt, text) : null;
    return [{ part, bytes, commitment: texts[`${part}Commitment`] ?? null }];
  });

/** The texts that are not what their commitments were made of. */
export const wrongTextsOf = (texts: CommittedTexts, sha256: Sha256OfBytes): readonly Committed[] =>
  openingsOf(texts).flatMap(({ part, bytes, commitment }) =>
    bytes !== null && sha256(bytes) === commitment ? [] : [part],
  );
