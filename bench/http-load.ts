import autocannon from 'autocannon';
import { eventOf } from './events.ts';
import { keyFor, post, withLocalStack } from './local-stack.ts';
import { cost, type Measurements } from './measurements.ts';
import type { Sizes } from './sizes.ts';

const CONNECTIONS = 8;
/**
 * Measures the local stack over HTTP, with each request answered by the function's own bundle. The rates depend on this
 * machine, so they have no budget. The comparison with a bare handler, which reads and writes nothing, has none either:
 * the work that a POST triggers runs on the same processors.
 */
export const measureHttpLoad = ({ loadSeconds }: Pick<Sizes, 'loadSeconds'>): Promise<Measurements> =>
  withLocalStack({}, async (stack) => {
    const key = await keyFor(stack, 'ada');
    const at = new Date().toISOString();
    const event = (number: number) => eventOf({ device: `device-${number % 100}`, number, at });
    await post(stack, '/ingest', { events: [event(0)] }, key);
    await stack.drain();

    const load = async (options: Omit<autocannon.Options, 'url'> & { readonly path: string }): Promise<number> => {
      const { path, ...rest } = options;
      const url = stack.baseUrl + path;
      const result = await autocannon({ url, connections: CONNECTIONS, duration: loadSeconds, ...rest });
      if (result.non2xx > 0 || result.errors > 0) {
        throw new Error(`${path}: ${result.non2xx} refusals and ${result.errors} errors under load`);
      }
      return result['2xx'] / result.duration;
    };
    const bare = await load({ path: '/health' });
    const reads = await load({ path: '/v1/scores/ada' });
    let sent = 0;
    const writes = await load({
      path: '/ingest',
      requests: [
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-api-key': key },
          setupRequest: (request) => ({ ...request, body: JSON.stringify(event((sent += 1))) }),
        },
      ],
    });
    return {
      costs: [
        cost('local stack over HTTP, a bare handler', 'requests/s', Math.round(bare)),
        cost('local stack over HTTP, GET /v1/scores/{username}', 'requests/s', Math.round(reads)),
        cost('local stack over HTTP, POST /ingest of one event', 'requests/s', Math.round(writes)),
        cost('local stack over HTTP, GET /v1/scores/{username}', 'of bare', reads / bare),
        cost('local stack over HTTP, POST /ingest of one event', 'of bare', writes / bare),
      ],
      ratios: [],
    };
  });
