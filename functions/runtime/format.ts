import * as z from 'zod/mini';
import type { Reply } from './problems.ts';
import { inAnyCase } from './query.ts';

export const CSV_TYPE = 'text/csv; charset=utf-8';

/** How a list is answered: what a query says goes before what `accept` prefers. */
export const Format = z.optional(inAnyCase(z.enum(['json', 'csv'], 'expected json or csv')));

const acceptsCsvOnly = (accept = ''): boolean => /\btext\/csv\b/iu.test(accept) && !/\bjson\b/iu.test(accept);

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
  const isCsv = format === undefined ? acceptsCsvOnly(headers.accept) : format === 'csv';
  if (!isCsv) return { status: 200, headers: { vary: 'accept' }, body: view };
  const next = 'next' in view && typeof view.next === 'string' ? { 'x-next-cursor': view.next } : {};
  return {
    status: 200,
    headers: { 'content-disposition': 'inline; filename="laurel.csv"', ...next },
    content: { type: CSV_TYPE, data: csvOf(rows, columns) },
  };
}
