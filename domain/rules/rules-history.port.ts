/** When which version of the rules came into force. */
export type RulesHistory = {
  /** ISO 8601 by version: the last time that each came into force. */
  since(): Promise<ReadonlyMap<string, string>>;
  /** Notes the version in force, where another one was noted last. */
  note(version: string, at: string): Promise<void>;
};
