import { createServer, type Server } from 'node:net';

/**
 * The range is below the ephemeral ports of all systems (Linux from 32768, macOS and Windows from 49152) and above the
 * well-known ports.
 */
const LOWEST = 20_000;
const PAIRS = 6_000;
const TRIES = 100;

export type ClaimedPort = {
  readonly port: number;
  /** Releases the port. Call it after the process that uses the port has ended. */
  release(): void;
};

/**
 * A port on the loopback interface for an engine that cannot choose a free one itself. A port that was free a moment
 * ago may go to the next process that asks for an ephemeral port, which would then answer in the engine's place. So the
 * port comes from a range that systems never assign, and this process listens on its odd neighbour as a claim. Two
 * stacks never get the same port, and a killed process releases its claim.
 */
export async function claimPort(random: () => number = Math.random): Promise<ClaimedPort> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = LOWEST + 2 * Math.floor(random() * PAIRS);
    const claim = await listenOn(port + 1);
    if (claim === undefined) continue;
    claim.unref();
    const probe = await listenOn(port);
    if (probe !== undefined) {
      await new Promise((resolve) => probe.close(resolve));
      return { port, release: () => void claim.close() };
    }
    claim.close();
  }
  throw new Error(`None of the ${TRIES} ports tried from ${LOWEST} on was free`);
}

/**
 * A loopback address that a web page cannot guess: the engines answer every caller, and dynoxide also answers pages of
 * any origin. Linux has 2^24 loopback addresses, other systems have one.
 */
export function hiddenHost(random: () => number = Math.random): string {
  const part = (least: number) => least + Math.floor(random() * (255 - least));
  return process.platform === 'linux' ? `127.${part(1)}.${part(0)}.${part(1)}` : '127.0.0.1';
}

/** Undefined if the port is taken. */
async function listenOn(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
