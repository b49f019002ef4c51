/** What the outside world gives: injected, so that a test decides what time it is and what is random. */

/** Milliseconds since the epoch, UTC. */
export type Clock = () => number;

/** Uniform in [0, 1). Used for jitter only: identity never comes from chance. */
export type Random = () => number;

/** Waits so many milliseconds. */
export type Sleep = (milliseconds: number) => Promise<void>;

/** SHA-256 of the text's UTF-8 bytes, as 64 lower-case hexadecimal digits. */
export type Sha256 = (text: string) => string;

/** So many random bytes from a cryptographic source, as base64url without padding. */
export type RandomToken = (bytes: number) => string;
