import { createServer } from 'node:http';
import * as z from 'zod';

/** Answers each path with the text that this process was given for it, with `node:http` alone. Prints its port. */
const [, , given = ''] = process.argv;
const answers = new Map(Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(given))));
const server = createServer(({ url = '' }, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(answers.get(url));
}).listen(0, '127.0.0.1', () => console.log(z.object({ port: z.number() }).parse(server.address()).port));
process.once('SIGTERM', () => process.exit());
