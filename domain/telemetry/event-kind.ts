import type { ActivityEvent } from '../rules/scoring-rules.ts';
import type { EventKind } from './device-hour.ts';

/** A command counts by its name if it looks like one. Any other text counts as `other`. */
const COMMAND_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const OTHER_COMMAND = 'other';

/** Reads one field of user data: own fields only, so that `__proto__` and its like are plain names. */
const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value // no accessor survives JSON
    : undefined;

const propertyAt = (properties: unknown, path: string): unknown => path.split('.').reduce(fieldOf, properties);

/** The events of the tool's activity, by their names. */
export type ActivityEvents = ReadonlyMap<string, ActivityEvent>;
export const activityEventsOf = (rules: { readonly activity: { readonly events: readonly ActivityEvent[] } }) =>
  new Map(rules.activity.events.map((each) => [each.event, each]));

/** The kind of an event: a use of the tool counts by command and success, any other event by its name alone. */
export function kindOf(event: string, properties: unknown, activity: ActivityEvents): EventKind {
  const mapping = activity.get(event);
  if (mapping === undefined) return { event, command: null, success: true };
  return {
    event,
    command: commandOf(mapping, properties),
    success: mapping.success === undefined || isSuccess(mapping.success, properties),
  };
}

function commandOf({ command }: ActivityEvent, properties: unknown): string {
  if ('is' in command) return command.is;
  const named = propertyAt(properties, command.property);
  return typeof named === 'string' && COMMAND_NAME.test(named) ? named : OTHER_COMMAND;
}

function isSuccess(
  { property, is, orAbsent = false }: NonNullable<ActivityEvent['success']>,
  properties: unknown,
): boolean {
  const status = propertyAt(properties, property);
  return status === undefined || status === null ? orAbsent : is.some((success) => success === status);
}

/** The command that a stored event counts as: the rules of today decide, whatever they were when it came. */
export function commandToday({ event, command }: EventKind, activity: ActivityEvents): string | null {
  const mapping = activity.get(event);
  if (mapping === undefined) return null;
  return 'is' in mapping.command ? mapping.command.is : (command ?? OTHER_COMMAND);
}
