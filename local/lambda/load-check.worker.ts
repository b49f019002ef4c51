import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';

/** Imports modules and reports which of them throw, each with its error and its place. */

const modules = z.array(z.string()).parse(workerData);
const faults = await Promise.all(
  modules.map(async (module) => {
    try {
      await import(module);
      return null;
    } catch (error) {
      if (!(error instanceof Error)) return String(error);
      const places = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line));
      const place = places.find((line) => !line.includes('node_modules')) ?? '';
      return `${error.name}: ${error.message} ${place.trim()}`;
    }
  }),
);
parentPort?.postMessage(faults);
process.exit(); // a module may have begun something that would go on
