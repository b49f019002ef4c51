import type { DirectoryEntry } from './layout.ts';
import type { PlacedRow } from './row.ts';

/**
 * What is sorted, as lines of text and back. Only what a build wrote itself is read, millions of lines in minutes, so
 * they are split and not parsed. No part holds a tab: names are checked where they come in, tiers are the rules' own.
 */

export const packRow = ({ points, since, username, canonicalScore, tier }: PlacedRow): string =>
  `${points}\t${since}\t${username}\t${canonicalScore}\t${tier}`;

export function unpackRow(line: string): PlacedRow {
  const [points, since, username = '', canonicalScore, tier = ''] = line.split('\t');
  return { username, points: Number(points), canonicalScore: Number(canonicalScore), tier, since: Number(since) };
}

export const packEntry = ({ hash, points, since }: DirectoryEntry): string => `${hash}\t${points}\t${since}`;

export function unpackEntry(line: string): DirectoryEntry {
  const [hash = '', points, since] = line.split('\t');
  return { hash, points: Number(points), since: Number(since) };
}
