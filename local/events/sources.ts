import { awsCaller } from '../aws-client.ts';
import type { Health } from '../health.ts';
import type { FunctionPool } from '../lambda/function-pool.ts';
import type { FunctionModel, QueueMappingModel, ScheduleModel, StackModel } from '../template/stack-model.ts';
import type { EventSource } from './event-source.ts';
import { startQueueSource } from './queue-source.ts';
import { startScheduleSource } from './schedule-source.ts';
import { startStreamSource, type StreamSource, type StreamSourceOptions } from './stream-source.ts';

/** The access key of what a schedule calls with. */
export const keyOfSchedule = ({ name }: ScheduleModel) => `schedule-${name}`;

type SourceContext = {
  readonly checkpoints: StreamSourceOptions['checkpoints'];
  readonly endpoint: string;
  readonly keyOf: (fn: FunctionModel) => string;
  readonly report: (error: unknown) => void;
  readonly health: Health;
  readonly streamTime: Pick<StreamSourceOptions, 'clock' | 'backOff'> | undefined;
  readonly region: string;
};

/** Two functions: one starts to read streams, the other to read queues and to follow schedules. */
export function sourcesOf(
  stack: StackModel,
  functions: ReadonlyMap<string, FunctionPool>,
  context: SourceContext,
): { readonly startStreams: () => readonly StreamSource[]; readonly startOthers: () => readonly EventSource[] } {
  const common = (functionName: string) => {
    const pool = functions.get(functionName);
    if (pool === undefined) throw new Error(`There is no function ${functionName}`);
    const call = awsCaller(context.endpoint, context.keyOf(pool.model));
    return { pool, call, region: context.region, clock: Date.now, report: context.report, health: context.health };
  };
  const { checkpoints, endpoint, report, streamTime } = context;
  const queueSource = (mapping: QueueMappingModel) => {
    const given = common(mapping.functionName);
    const maxConcurrency = Math.min(mapping.maxConcurrency, given.pool.maxWorkers);
    return startQueueSource({ mapping: { ...mapping, maxConcurrency }, ...given });
  };
  const scheduleSource = (schedule: ScheduleModel) =>
    startScheduleSource({
      schedule,
      call: awsCaller(endpoint, keyOfSchedule(schedule)),
      invoke: (functionName, event) => common(functionName).pool.invoke(event),
      clock: Date.now,
      report,
    });
  return {
    startStreams: () =>
      stack.streamMappings.map((mapping) =>
        startStreamSource({ mapping, checkpoints, ...common(mapping.functionName), ...streamTime }),
      ),
    startOthers: () => [...stack.queueMappings.map(queueSource), ...stack.schedules.map(scheduleSource)],
  };
}
