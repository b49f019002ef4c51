import type { FileLine, LineFault } from './import-lines.ts';
import { MAX_LINE_BYTES } from './import-lines.ts';
import { usageError } from './outcome.ts';

/** A row of cells, and the line that it begins on: a quoted cell may hold line breaks. */
type Row = { readonly line: number; readonly cells: readonly string[] };

/** The state of a row that is being read, character by character (RFC 4180). */
class RowReader {
  readonly #cells: string[] = [];
  #cell = '';
  #isQuoted = false;
  #isClosed = false;
  length = 0;

  /** Reads a line on. A text is what is wrong with it, `more` asks for the next line. */
  read(text: string): 'whole' | 'more' | { readonly fault: string } {
    this.length += text.length + 1;
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (this.#isQuoted) {
        if (character !== '"') this.#cell += character;
        else if (text[at + 1] === '"') [this.#cell, at] = [`${this.#cell}"`, at + 1];
        else [this.#isQuoted, this.#isClosed] = [false, true];
      } else if (character === ',') this.#end();
      else if (this.#isClosed) return { fault: 'expected a comma after a quoted cell' };
      else if (character !== '"') this.#cell += character;
      else if (this.#cell === '') this.#isQuoted = true;
      else return { fault: 'a quote inside a cell that does not begin with one' };
    }
    if (!this.#isQuoted) return 'whole';
    this.#cell += '\n';
    return 'more';
  }

  #end(): void {
    this.#cells.push(this.#cell);
    [this.#cell, this.#isClosed] = ['', false];
  }

  cells(): readonly string[] {
    this.#end();
    return this.#cells;
  }
}

async function* rowsOf(lines: AsyncIterable<FileLine>): AsyncGenerator<Row | LineFault> {
  let open: { readonly line: number; readonly reader: RowReader } | undefined;
  for await (const each of lines) {
    if ('fault' in each) {
      yield open === undefined ? each : { line: open.line, fault: `in line ${each.line}: ${each.fault}` };
      open = undefined;
      continue;
    }
    if (open === undefined && each.text === '') continue;
    const { line, reader } = open ?? { line: each.line, reader: new RowReader() };
    const state = reader.read(each.text);
    open = undefined;
    if (state === 'whole') yield { line, cells: reader.cells() };
    else if (state !== 'more') yield { line, ...state };
    else if (reader.length > MAX_LINE_BYTES) yield { line, fault: 'a quote that nothing closes' };
    else open = { line, reader };
  }
  if (open !== undefined) yield { line: open.line, fault: 'a quote that nothing closes' };
}

/** Columns that an event cannot do without. */
const NEEDED = ['event', 'timestamp'] as const;
const OF_EVENT: ReadonlySet<string> = new Set(['event', 'timestamp', 'distinct_id', 'insert_id']);
/** Properties that are numbers: any other cell is a text. */
const NUMBERS: ReadonlySet<string> = new Set(['points']);

/**
 * The rows of a table as events. The columns are named by the fields of an event, any other by a property:
 * `invocation.command` is `properties.invocation.command`. `columnOf` gives the column of a field that is named
 * otherwise. An empty cell is no field.
 */
export async function* eventsOfCsv(
  file: string,
  lines: AsyncIterable<FileLine>,
  columnOf: ReadonlyMap<string, string>,
): AsyncGenerator<{ readonly line: number; readonly value: unknown } | LineFault> {
  let fields: readonly string[] | undefined;
  for await (const row of rowsOf(lines)) {
    if (fields === undefined) {
      if ('fault' in row) throw usageError(`${file}: line ${row.line}: ${row.fault}`);
      fields = fieldsOf(file, row, columnOf);
    } else if ('fault' in row) yield row;
    else if (row.cells.length !== fields.length) {
      const fault = `expected ${fields.length} cells as in the header, found ${row.cells.length}`;
      yield { line: row.line, fault };
    } else yield { line: row.line, value: eventOf(fields, row.cells) };
  }
  if (fields === undefined) throw usageError(`${file}: line 1: expected a header row`);
}

function fieldsOf(file: string, { line, cells }: Row, columnOf: ReadonlyMap<string, string>): readonly string[] {
  const columns = cells.map((cell) => cell.trim());
  const fail = (what: string) => usageError(`${file}: line ${line}: ${what}`);
  const fieldOf = new Map<string, string>();
  for (const [left, right] of columnOf) {
    // FIELD=COLUMN; the other way round is understood where only that names a column.
    const [field, column] = !columns.includes(right) && columns.includes(left) ? [right, left] : [left, right];
    if (!columns.includes(column)) throw fail(`--map names the column ${column}, found ${columns.join(', ')}`);
    fieldOf.set(column, field);
  }
  const taken = new Set(fieldOf.values());
  // If a field takes its value from another column, the column with its own name is ignored.
  const fields = columns.map((column) => fieldOf.get(column) ?? (taken.has(column) ? '' : column));
  for (const needed of NEEDED) {
    if (fields.includes(needed)) continue;
    throw fail(`the column ${needed} is missing, found ${columns.join(', ')}; --map ${needed}=COLUMN names another`);
  }
  const twice = fields.find((field, index) => field !== '' && fields.indexOf(field) !== index);
  if (twice !== undefined) throw fail(`two columns are named ${twice}`);
  return fields.map((field) => field.replace(/^properties\./u, ''));
}

/** An object whose fields may be nested, made of own fields only: `__proto__` is a name like any other. */
type Tree = Map<string, Tree | string | number>;
const newTree = (): Tree => new Map<string, Tree | string | number>();
const objectOf = (tree: Tree): object =>
  Object.fromEntries([...tree].map(([name, value]) => [name, value instanceof Map ? objectOf(value) : value]));

function put(tree: Tree, [name = '', ...rest]: readonly string[], value: string | number): void {
  if (rest.length === 0) {
    tree.set(name, value);
    return;
  }
  const below = tree.get(name);
  const child = below instanceof Map ? below : newTree();
  tree.set(name, child);
  put(child, rest, value);
}

function eventOf(fields: readonly string[], cells: readonly string[]): object {
  const [event, properties] = [newTree(), newTree()];
  for (const [index, field] of fields.entries()) {
    const cell = cells[index] ?? '';
    if (cell === '' || field === '') continue;
    const value = NUMBERS.has(field) && /^\d{1,15}$/u.test(cell) ? Number(cell) : cell;
    if (OF_EVENT.has(field)) event.set(field, value);
    else put(properties, field.split('.'), value);
  }
  // A table of people needs no devices: each person gets one.
  const username = properties.get('username');
  if (!event.has('distinct_id') && typeof username === 'string') event.set('distinct_id', `import-${username}`);
  return { ...objectOf(event), properties: objectOf(properties) };
}
