/** Time and randomness come from outside, so that a test can decide them. */

/** Milliseconds since the epoch, UTC. */
export type Clock = () => number;

/** Uniform in [0, 1). Used for jitter only: identity never comes from chance. */
export type Random = () => number;

/** Waits for a number of milliseconds. */
export type Sleep = (milliseconds: number) => Promise<void>;

/** SHA-256 of the text's UTF-8 bytes, as 64 lower-case hexadecimal digits. */
export type Sha256 = (text: string) => string;

/** The same, also of bytes. */
export type Sha256OfBytes = (content: string | Uint8Array) => string;

/** Random bytes from a cryptographic source, as base64url without padding. */
export type RandomToken = (bytes: number) => string;
