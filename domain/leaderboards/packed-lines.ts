import type { DirectoryEntry } from './layout.ts';
import type { PlacedRow } from './row.ts';

/**
 * Sorted rows as lines of text and back. A build reads only its own lines, millions of them in minutes, so they are
 * split and not parsed. No part holds a tab: names are checked on input, and tiers come from the rules.
 */

export const packRow = ({ points, since, username, canonicalScore, tier, rulesVersion }: PlacedRow): string =>
  `${points}\t${since}\t${username}\t${canonicalScore}\t${tier}\t${rulesVersion}`;

export function unpackRow(line: string): PlacedRow {
  const [points, since, username = '', canonicalScore, tier = '', rulesVersion = ''] = line.split('\t');
  const numbers = { points: Number(points), canonicalScore: Number(canonicalScore), since: Number(since) };
  return { username, tier, rulesVersion, ...numbers };
}

export const packEntry = ({ hash, points, since }: DirectoryEntry): string => `${hash}\t${points}\t${since}`;

export function unpackEntry(line: string): DirectoryEntry {
  const [hash = '', points, since] = line.split('\t');
  return { hash, points: Number(points), since: Number(since) };
}
