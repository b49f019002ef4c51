import type { World } from './world.ts';
import { Finding } from './finding.ts';
import { queuesOf, streamsOf } from './steps.ts';
import { unfinishedRunsIn } from '../model/runs.ts';

/** The number of rounds with faults. Later rounds have none. */
const UNSPARED_ROUNDS = 2;
const MAX_ROUNDS = 80;
const ABANDONED_MS = 6 * 60_000;
const MAX_RESUMES = 6;

/** Drains until nothing is left to announce or to handle. */
export async function drain(world: World, name: string): Promise<void> {
  const { simulation, schedule } = world;
  for (let round = 0; ; round += 1) {
    if (round === MAX_ROUNDS) throw new Finding('liveness', [`not quiet after ${MAX_ROUNDS} rounds`]);
    if (round >= UNSPARED_ROUNDS) world.isSpared = true;
    await world.advance();
    const queues = queuesOf(schedule);
    for (const table of streamsOf(schedule)) world.announce(table, `${name}${round}.${table}`, true);
    // Later announcements are handled together, so that there are fewer refreshes without faults.
    if (world.isSpared) await world.advance();
    for (const queue of queues) world.deliver(queue, `${name}${round}`, true);
    await world.advance();
    const waiting = queues.flatMap((queue) => simulation.queues.get(queue)?.waiting ?? []);
    const changes = [...simulation.streams.values()].flatMap((stream) => stream.waiting);
    if (changes.length > 0) continue;
    if (waiting.length === 0) return;
    const due = Math.min(...waiting.map(({ dueAt }) => dueAt));
    simulation.now = Math.max(simulation.now, due);
  }
}

/** The end of a schedule: all work is done, abandoned backfills are continued, dead letters are redriven. */
export async function settle(world: World): Promise<void> {
  const { simulation, forgotten, schedule } = world;
  world.release();
  await drain(world, 'drain');
  world.isSpared = true;
  const backfill = simulation.queues.get('backfill');
  for (let times = 0; ; times += 1) {
    const runs = unfinishedRunsIn(await simulation.engine.items('backfill_runs'));
    if (runs.length === 0) break;
    if (times === MAX_RESUMES) throw new Finding('I6', [`a backfill is not done after ${MAX_RESUMES} times`]);
    simulation.now += ABANDONED_MS;
    // The scheduled backfill continues runs of the last days. An older run must be continued by hand.
    const events = times === 0 ? [{ mode: 'stale' }] : runs.map((runId) => ({ runId }));
    for (const event of events) backfill?.send(JSON.stringify(event), { now: simulation.now });
    await drain(world, `resume${times}.`);
  }
  for (const queue of simulation.queues.values()) queue.redrive(simulation.now);
  await drain(world, 'redrive');
  if (world.hasDeployed) {
    // The next scheduled backfill: a refresh of the former functions may have saved after that of the deployment.
    backfill?.send(JSON.stringify({ mode: 'stale' }), { now: simulation.now });
    await drain(world, 'deployed');
  }
  if (forgotten.size > 0) {
    backfill?.send(JSON.stringify({ mode: 'all', usernames: [...forgotten] }), { now: simulation.now });
    await drain(world, 'forgotten');
  }
  const queues = queuesOf(schedule).flatMap((name) => simulation.queues.get(name) ?? []);
  const dead = queues.flatMap((queue) =>
    queue.dead.filter(({ isPoison }) => !isPoison).map(({ body }) => `${queue.name}: ${body}`),
  );
  if (dead.length > 0) throw new Finding('liveness', [`dead letters that nothing is wrong with: ${dead.join(', ')}`]);
  for (const { name, dead: own } of queues) {
    const [is, should] = [own.filter(({ isPoison }) => isPoison).length, world.poisoned.get(name) ?? 0];
    if (is !== should)
      throw new Finding('liveness', [`${is} of ${should} unreadable messages of ${name} are dead letters`]);
  }
  const givenUp = [...simulation.streams.values()].flatMap((stream) => stream.givenUp);
  if (givenUp.length !== world.strays) {
    throw new Finding('liveness', [`${givenUp.length} records were given up, and ${world.strays} are unreadable`]);
  }
}
