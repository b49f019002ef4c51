import { Stack } from 'aws-cdk-lib';
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';
import { alarmOnDroppedSchedules } from './alarms.ts';
import type { Stage } from './stage.ts';
import { physicalName } from '../functions/runtime/names.ts';

const ID = 'ScheduleGroup';

/**
 * The name of the group of all schedules of a stage. EventBridge Scheduler counts dropped events by group, not by
 * schedule.
 */
export function scheduleGroup(scope: Construct, stage: Stage): string {
  const stack = Stack.of(scope);
  const there = stack.node.tryFindChild(ID);
  if (there instanceof CfnScheduleGroup) return there.ref;
  const name = physicalName(stage, 'schedules');
  const group = new CfnScheduleGroup(stack, ID, { name });
  alarmOnDroppedSchedules(group, name);
  return group.ref;
}
