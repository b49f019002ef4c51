import * as z from 'zod/mini';
import type { Reply } from './problems.ts';
import { inAnyCase } from './query.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** How a list is answered: the query decides before the `accept` header. */
export const Format = z.optional(inAnyCase(z.enum(['json', 'csv'], 'expected json or csv')));

/** How much a type is wanted, from 0 to 1 (RFC 9110). A type that is not named is not wanted. */
function qualityOf(accept: string, type: string): number {
  const named = accept.split(',').map((each) => each.toLowerCase().replaceAll(/\s/gu, '').split(';'));
  const [, ...parameters] = named.find(([name]) => name === type) ?? ['', 'q=0'];
  const quality = Number(parameters.find((each) => each.startsWith('q='))?.slice('q='.length) ?? 1);
  return Number.isNaN(quality) ? 1 : quality;
}

const prefersCsv = (accept = ''): boolean => qualityOf(accept, 'text/csv') > qualityOf(accept, 'application/json');

/** A spreadsheet runs a cell that begins with one of these: the apostrophe makes it text. */
const FORMULA = /^[=+\-@\t\r]/u;

/** One cell by RFC 4180. */
function cellOf(value: unknown): string {
  const isWritten = typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string';
  const text = isWritten ? String(value) : ''; // null, and what is missing
  const harmless = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/u.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** A table with one header row; the columns are the fields of its rows, in this order. */
export function csvOf(rows: readonly object[], columns: readonly string[]): string {
  const lines = rows.map((row) => {
    const fields = new Map<string, unknown>(Object.entries(row));
    return columns.map((column) => cellOf(fields.get(column))).join(',');
  });
  return [columns.join(','), ...lines, ''].join('\r\n');
}

/** A view as JSON, or its rows as CSV if the caller asked for that. A header names the next page. */
export function inFormat(
  { format }: { readonly format?: 'json' | 'csv' | undefined },
  headers: Readonly<Record<string, string | undefined>>,
  view: object,
  rows: readonly object[],
  columns: readonly string[],
): Reply {
  const isCsv = format === undefined ? prefersCsv(headers.accept) : format === 'csv';
  if (!isCsv) return { status: 200, headers: { vary: 'accept' }, body: view };
  const next = 'next' in view && typeof view.next === 'string' ? { 'x-next-cursor': view.next } : {};
  return {
    status: 200,
    headers: { 'content-disposition': 'inline; filename="laurel.csv"', ...next },
    content: { type: CSV_TYPE, data: csvOf(rows, columns) },
  };
}
