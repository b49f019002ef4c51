import { httpFunction } from '../runtime/http-function.ts';
import { ReadApiEnv } from './env.ts';
import { routes } from './routes.ts';
import { wireReadApi } from './wiring.ts';

export const handler = httpFunction({ routes, wire: () => wireReadApi(ReadApiEnv.parse(process.env)) });
