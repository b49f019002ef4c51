import type { EventKind } from './device-hour.ts';

/** A command counts by its name where it looks like one; whatever else a user typed counts as `other`. */
const COMMAND_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const OTHER_COMMAND = 'other';

export const CLI_INVOCATION = 'cli_invocation';

/** Reads one field of user data: own fields only, so that `__proto__` and its like are plain names. */
const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? Object.getOwnPropertyDescriptor(value, name)?.value // no accessor survives JSON
    : undefined;

/**
 * What an event counts as: for a `cli_invocation` its `properties.invocation.command` and whether its
 * `properties.result.status` is `success` or absent; for any other event its name alone.
 */
export function kindOf(event: string, properties: unknown): EventKind {
  if (event !== CLI_INVOCATION) return { event, command: null, success: true };
  const command = fieldOf(fieldOf(properties, 'invocation'), 'command');
  const status = fieldOf(fieldOf(properties, 'result'), 'status');
  return {
    event,
    command: typeof command === 'string' && COMMAND_NAME.test(command) ? command : OTHER_COMMAND,
    success: status === undefined || status === null || status === 'success',
  };
}
