import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { buildBoards } from '../domain/leaderboards/build-boards.ts';
import { diskSorter } from '../functions/adapters/disk/external-sorter.ts';
import { dynamoLeaderboardStore } from '../functions/adapters/dynamodb/leaderboards/leaderboard-store.ts';
import { dynamoStandings } from '../functions/adapters/dynamodb/leaderboards/standings.ts';
import { sha256 } from '../functions/runtime/environment.ts';
import { handlerOf, type Handler } from './deployed.ts';
import { withEngine, type BenchEngine } from './engine.ts';
import { cost, median, ratioAtMost, type Measurements } from './measurements.ts';
import { saveScores, simulatedScore } from './simulated-scores.ts';
import type { Sizes } from './sizes.ts';
import { readEnv } from './wiring.ts';

const USERS = 200;
/** The rows of a page of a board. */
const ROWS = 50;
const REQUESTS_A_ROUND = 20;
const [FIRST_PAGE_KB, SCRIPTS_KB] = [40, 25];
/** A page may take 1.2 times the CPU of its JSON, and for its markup as much as 8 compressions of it. */
const [TIMES, COMPRESSIONS] = [1.2, 8];

const Answer = z.object({ statusCode: z.literal(200), body: z.string(), isBase64Encoded: z.boolean().optional() });
/** Asks as a browser does. */
async function get(handler: Handler, path: string, query = ''): Promise<Buffer> {
  const answer = await handler({
    rawPath: path,
    rawQueryString: query,
    headers: { accept: 'text/html,*/*', 'accept-encoding': 'gzip', host: 'bench.example.org' },
    isBase64Encoded: false,
    requestContext: { requestId: 'bench', http: { method: 'GET' } },
  });
  const { body, isBase64Encoded = false } = Answer.parse(answer);
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
}

async function cpuOf(work: () => Promise<unknown>): Promise<number> {
  const start = process.cpuUsage();
  for (let request = 0; request < REQUESTS_A_ROUND; request += 1) await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000 / REQUESTS_A_ROUND;
}

async function buildBoard(engine: BenchEngine): Promise<Readonly<Record<string, string>>> {
  const [tables, client, now] = [await engine.createTables(), engine.client(), Date.now()];
  const [scores, leaderboards] = [tables('user_scores'), tables('leaderboards')];
  const all = Array.from({ length: USERS }, (_, index) => index);
  await saveScores(client, scores, all, (index) => simulatedScore(index, now));
  await buildBoards({
    standings: dynamoStandings(client, scores),
    store: dynamoLeaderboardStore(client, leaderboards, sha256),
    newSorter: diskSorter(),
    clock: () => now,
    sha256,
  });
  return readEnv(tables);
}

/** Measures the size of the first page with all that it loads, and the CPU of a board's page beside that of its JSON. */
export const measurePages = ({ rounds }: Pick<Sizes, 'rounds'>) =>
  withEngine(async (engine): Promise<Measurements> => {
    Object.assign(process.env, await buildBoard(engine), {
      AWS_ENDPOINT_URL_DYNAMODB: engine.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'bench',
      AWS_SECRET_ACCESS_KEY: 'bench',
    });
    const [pages, api] = [await handlerOf('serve-pages'), await handlerOf('read-api')];
    const page = () => get(pages, '/');
    const json = () => get(api, '/v1/leaderboards/alltime', `limit=${ROWS}&compare=day`);

    const html = await page();
    const markup = gunzipSync(html);
    const times: { readonly page: number; readonly json: number; readonly gzip: number }[] = [];
    for (let round = -3; round < rounds; round += 1) {
      const taken = {
        page: await cpuOf(page),
        json: await cpuOf(json),
        gzip: await cpuOf(async () => gzipSync(markup)),
      };
      if (round >= 0) times.push(taken);
    }
    const of = (what: 'page' | 'json' | 'gzip') => median(times.map((each) => each[what]));
    const [ofPage, ofJson, ofGzip] = [of('page'), of('json'), of('gzip')];

    const names = new Set(markup.toString('utf8').match(/\/assets\/[\w.]+/gu));
    const assets = await Promise.all([...names].map(async (name) => ({ name, size: (await get(pages, name)).length })));
    const scripts = assets.filter(({ name }) => name.endsWith('.js')).reduce((sum, { size }) => sum + size, 0);
    const whole = assets.reduce((sum, { size }) => sum + size, html.length);
    return {
      costs: [
        cost('first page with all that it loads, gzip', 'KB', whole / 1_000, { budget: FIRST_PAGE_KB }),
        cost('scripts of the pages, gzip', 'KB', scripts / 1_000, { budget: SCRIPTS_KB }),
        cost(`page of a board, ${ROWS} rows, CPU`, 'ms', ofPage),
        cost('JSON of the same rows, CPU', 'ms', ofJson),
        cost('compression of that page, CPU', 'ms', ofGzip),
      ],
      ratios: [
        ratioAtMost(
          `CPU of a board's page against ${TIMES} × that of its JSON and ${COMPRESSIONS} compressions of it`,
          ofPage / (TIMES * ofJson + COMPRESSIONS * ofGzip),
          1,
        ),
      ],
    };
  });
