/** An event as a client sends it. */
export type RawEvent = {
  event: string;
  distinct_id: string;
  insert_id?: string;
  timestamp?: string;
  properties?: Record<string, unknown>;
};

/** The smallest valid event, at noon of 2026-08-21 UTC. */
export const aRawEvent = (change: Partial<RawEvent> = {}): RawEvent => ({
  event: 'cli_invocation',
  distinct_id: 'device-1',
  insert_id: 'event-1',
  timestamp: '2026-08-21T11:30:00.000Z',
  ...change,
});

/** The same event without some fields, for rules about missing fields. */
export const withoutFields = (event: RawEvent, ...fields: (keyof RawEvent)[]): Partial<RawEvent> =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !fields.some((field) => field === name)));

/** Properties of an invocation, nested as the real client nests them. */
export const invocationOf = (command: unknown, status?: unknown): Record<string, unknown> => ({
  invocation: { command },
  ...(status === undefined ? {} : { result: { status } }),
});
