import { type CsvRow, parseProductCsv } from "../catalog/import_csv.ts";
import type { Api } from "./connection.ts";
import { take } from "./pages.ts";
import { CommandError } from "./terminal.ts";

interface Made {
  id: string;
  name: string;
}

/**
 * Creates the products of a CSV file. What can be known before is checked before (form, stalls, ids), so that a file with
 * a problem changes nothing; should a line fail all the same, it is said which were created.
 */
export async function importProducts(api: Api, file: string, csv: string): Promise<Made[]> {
  const { rows, problems } = parseProductCsv(csv);
  const lines = problems.map((one) =>
    `  line ${one.line}${one.field ? `, ${one.field}` : ""}: ${one.reason}`
  );
  if (lines.length === 0) lines.push(...await misfits(api, rows));
  if (lines.length > 0) {
    const count = `${lines.length} problem${lines.length === 1 ? "" : "s"}`;
    throw new CommandError(`${file} has ${count}; nothing was imported.\n${lines.join("\n")}`);
  }
  const made: Made[] = [];
  for (const { line, product } of rows) {
    try {
      made.push(await api.call<Made>("POST", "/products", product));
    } catch (error) {
      const before = made.length === 0
        ? "nothing was imported"
        : `the ${made.length} before it were imported: remove their lines before you try again`;
      throw new CommandError(`${file}, line ${line}: ${(error as Error).message}\n  ${before}`);
    }
  }
  return made;
}

/** Lines that name a stall that isn't there, or an id that is. */
async function misfits(api: Api, rows: CsvRow[]): Promise<string[]> {
  const ids = async (path: string) => new Set((await take<Made>(api, path)).map((one) => one.id));
  const [stalls, products] = [await ids("/stalls"), await ids("/products")];
  return rows.flatMap(({ line, product }) => [
    ...(stalls.has(product.stall_id)
      ? []
      : [`  line ${line}, stall_id: there is no stall ${product.stall_id} (ncc stall list)`]),
    ...(product.id !== undefined && products.has(product.id)
      ? [`  line ${line}, id: there is a product ${product.id} already`]
      : []),
  ]);
}
