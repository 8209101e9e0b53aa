import { CsvError, parse } from "csv-parse/sync";
import { type ProductInput, productInput } from "./product_input.ts";

/** A product out of a file, and the line where it stands. */
export interface CsvRow {
  line: number;
  product: ProductInput;
}

/** What is wrong with a file; `line` counts from 1, the header's. */
export interface CsvProblem {
  line: number;
  /** A column's name; empty when the whole line or file is meant. */
  field: string;
  reason: string;
}

/** Larger files are split by whoever makes them; this one is read at once. */
const MAX_CHARACTERS = 20_000_000;

/** Lists in one cell are separated so; a URL has no such character unescaped. */
const LIST = /\s*\|\s*/;
/** How a cell says no limit. */
const UNLIMITED = new Set(["unlimited", "null", "∞"]);
const YES = new Set(["true", "yes", "1"]);
const NO = new Set(["false", "no", "0"]);
/** Columns that mean what the API's fields of these names mean. */
const COLUMNS = Object.keys(productInput.shape).filter((field) => field !== "merchant");

/**
 * Reads products from CSV (RFC 4180, UTF-8, comma, semicolon or tab). The first line names the fields as the API does, in any
 * order and letter case. An empty cell is a field left out. Lists are separated by `|`: images and categories `a|b`, specs
 * `key=value|key=value`, shipping `zone id=cost`. `quantity` is a whole number or `unlimited`.
 *
 * All problems come back at once. Rows are only given for lines without any.
 */
export function parseProductCsv(text: string): { rows: CsvRow[]; problems: CsvProblem[] } {
  if (text.length > MAX_CHARACTERS) return refuse(1, "is too large: split it into files of less than 20 MB");
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      delimiter: delimiterOf(text),
    }) as unknown as typeof records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    return refuse(Number(error.lines ?? 1), error.message);
  }
  const [header, ...lines] = records;
  if (!header) {
    return refuse(1, `is empty: the first line names the columns, such as stall_id,name,price,quantity`);
  }
  const columns = header.record.map((name) => name.trim().toLowerCase());
  const problems = headerProblems(columns);
  if (problems.length > 0) return { rows: [], problems };

  const rows: CsvRow[] = [];
  const ids = new Map<string, number>();
  for (const { record, info } of lines) {
    // The parser tells where a record ends; a cell may have several lines.
    const line = info.lines - record.join("").split(/\r\n|\n|\r/).length + 1;
    const found = readRecord(columns, record);
    const id = record[columns.indexOf("id")]?.trim();
    if (id && ids.has(id)) {
      found.problems.push({ field: "id", reason: `${id} is the id of line ${ids.get(id)} already` });
    } else if (id) ids.set(id, line);
    if (found.problems.length === 0) rows.push({ line, product: found.product! });
    problems.push(...found.problems.map((problem) => ({ line, ...problem })));
  }
  return { rows, problems };
}

type FieldProblem = Omit<CsvProblem, "line">;

function headerProblems(columns: string[]): CsvProblem[] {
  const problems: CsvProblem[] = [];
  for (const [i, column] of columns.entries()) {
    if (!COLUMNS.includes(column)) {
      problems.push({
        line: 1,
        field: column,
        reason: `is no field of a product; there are ${COLUMNS.join(", ")}`,
      });
    } else if (columns.indexOf(column) !== i) {
      problems.push({ line: 1, field: column, reason: "is there twice" });
    }
  }
  for (const needed of ["stall_id", "name", "price"]) {
    if (!columns.includes(needed)) problems.push({ line: 1, field: needed, reason: "is missing" });
  }
  return problems;
}

function readRecord(
  columns: string[],
  record: string[],
): { product?: ProductInput; problems: FieldProblem[] } {
  const problems: FieldProblem[] = [];
  if (record.length > columns.length) {
    problems.push({
      field: "",
      reason: `has ${record.length} cells, but there are ${columns.length} columns`,
    });
  }
  const fields: Record<string, unknown> = {};
  for (const [i, column] of columns.entries()) {
    const cell = (record[i] ?? "").trim();
    if (cell !== "") fields[column] = readCell(column, cell);
  }
  const checked = productInput.safeParse(fields);
  for (const issue of checked.error?.issues ?? []) {
    problems.push({ field: String(issue.path[0] ?? ""), reason: issue.message });
  }
  return checked.success ? { product: checked.data, problems } : { problems };
}

/** What a cell means; text that means nothing for its column is left for the schema to refuse. */
function readCell(column: string, cell: string): unknown {
  switch (column) {
    case "quantity":
      if (UNLIMITED.has(cell.toLowerCase())) return null;
      return /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
    case "digital":
    case "active":
      if (YES.has(cell.toLowerCase())) return true;
      return NO.has(cell.toLowerCase()) ? false : cell;
    case "images":
    case "categories":
      return cell.split(LIST).filter((one) => one !== "");
    case "specs":
      return pairs(cell);
    case "shipping":
      return pairs(cell).map(([id, cost]) => ({ id, cost }));
    default:
      return cell;
  }
}

function pairs(cell: string): string[][] {
  return cell.split(LIST).filter((one) => one !== "").map((pair) => {
    const at = pair.indexOf("=");
    return at < 0 ? [pair] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
  });
}

/** The separator that the header uses; spreadsheets take the one of their country. */
function delimiterOf(text: string): string {
  const header = text.slice(0, text.search(/[\r\n]|$/));
  return [";", "\t"].find((mark) => header.includes(mark) && !header.includes(",")) ?? ",";
}

function refuse(line: number, reason: string): { rows: CsvRow[]; problems: CsvProblem[] } {
  return { rows: [], problems: [{ line, field: "", reason }] };
}
