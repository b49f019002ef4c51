import { createServer, type Server } from 'node:net';

/**
 * Ports below those that systems hand out to whoever asks for any (Linux from 32768, macOS and Windows from 49152), and
 * above those that services are known by.
 */
const LOWEST = 20_000;
const PAIRS = 6_000;
const TRIES = 100;

export type ClaimedPort = {
  readonly port: number;
  /** Lets others have the port. To be called once its user has ended. */
  release(): void;
};

/**
 * A port of the loopback device for an engine that cannot be asked to choose one. A port that was merely free a moment
 * ago is given to the next process that asks for any, which then answers in the engine's place. So the port comes from a
 * range that nobody is given by chance, and its odd neighbour is held as a claim: no two stacks get the same one, and
 * the claim of a killed process ends with it.
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
  throw new Error(`None of ${TRIES} ports tried from ${LOWEST} on was free`);
}

/**
 * An address of the loopback device that no web page guesses: engines answer whoever asks, dynoxide also pages of any origin.
 * Linux gives the device 2^24 addresses, other systems one.
 */
export function hiddenHost(random: () => number = Math.random): string {
  const part = (least: number) => least + Math.floor(random() * (255 - least));
  return process.platform === 'linux' ? `127.${part(1)}.${part(0)}.${part(1)}` : '127.0.0.1';
}

/** Undefined where something else listens. */
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
