import type { Command } from "commander";
import { parseProductCsv } from "../catalog/import_csv.ts";
import type { Shell } from "./shell.ts";
import { CommandError, table } from "./terminal.ts";

interface StallJson {
  id: string;
  name: string;
  currency: string;
  shipping: { id: string; name: string; cost: number }[];
  published_at: string | null;
}

interface ProductJson {
  id: string;
  stall_id: string;
  name: string;
  price: number;
  currency: string;
  quantity: number | null;
  held: number;
  published_at: string | null;
}

interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** `ncc stall …` and `ncc product …`. */
export function catalogueCommands(program: Command, shell: Shell): void {
  const stall = program.command("stall").description("stalls (NIP-15 kind 30017)");
  stall.command("add <name>").description("create and publish a stall")
    .option("--currency <code>", "currency of its prices", "sat")
    .option("--description <text>", "what it sells")
    .option("--zone <name=cost…>", "a shipping zone, e.g. --zone Europe=5 --zone World=12", collect, [])
    .option("--id <id>", "an id of your own")
    .action((name: string, o: { currency: string; description?: string; zone: string[]; id?: string }) =>
      shell.withApi(async (api) => {
        const made = await api.call<StallJson>("POST", "/stalls", {
          name,
          currency: o.currency,
          ...(o.description === undefined ? {} : { description: o.description }),
          ...(o.id === undefined ? {} : { id: o.id }),
          ...(o.zone.length === 0 ? {} : { shipping: o.zone.map(zone) }),
        });
        shell.show(made, () => `Stall ${made.id} "${made.name}" created.${afterwards(api.live)}`);
      })
    );
  stall.command("list").description("all stalls").action(() =>
    shell.withApi(async (api) => {
      const stalls = await all<StallJson>(api, "/stalls");
      shell.show(stalls, () =>
        table(
          ["id", "name", "currency", "zones", "published"],
          stalls.map((s) => [
            s.id,
            s.name,
            s.currency,
            s.shipping.map((z) => `${z.name || z.id}=${z.cost}`).join(" "),
            s.published_at ?? "not yet",
          ]),
        ));
    })
  );
  stall.command("show <id>").description("one stall").action((id: string) =>
    shell.withApi(async (api) => shell.show(await api.call("GET", `/stalls/${encodeURIComponent(id)}`)))
  );

  const product = program.command("product").description("products (NIP-15 kind 30018)");
  product.command("add <name>").description("create and publish a product")
    .requiredOption("--stall <id>", "the stall it belongs to")
    .requiredOption("--price <amount>", "price of one, in the stall's currency or --currency")
    .option("--currency <code>", "currency of the price")
    .option("--quantity <n>", "how many there are; without it as many as you like")
    .option("--description <text>", "what it is")
    .option("--image <url…>", "a picture", collect, [])
    .option("--category <word…>", "a category", collect, [])
    .option("--digital", "nothing is shipped; the buyer gets --content after payment")
    .option("--content <text>", "what the buyer of a digital product gets")
    .option("--id <id>", "an id of your own")
    .action((name: string, o: ProductOptions) =>
      shell.withApi(async (api) => {
        const made = await api.call<ProductJson>("POST", "/products", productInput(name, o));
        shell.show(made, () => `Product ${made.id} "${made.name}" created.${afterwards(api.live)}`);
      })
    );
  product.command("list").description("all products").action(() =>
    shell.withApi(async (api) => {
      const products = await all<ProductJson>(api, "/products");
      shell.show(products, () =>
        table(
          ["id", "name", "price", "on hand", "held", "published"],
          products.map((p) => [
            p.id,
            p.name,
            `${p.price} ${p.currency}`,
            p.quantity === null ? "unlimited" : String(p.quantity),
            String(p.held),
            p.published_at ?? "not yet",
          ]),
        ));
    })
  );
  product.command("show <id>").description("one product").action((id: string) =>
    shell.withApi(async (api) => shell.show(await api.call("GET", `/products/${encodeURIComponent(id)}`)))
  );
  product.command("import <file>").description("create products from a CSV file with a line of headings")
    .action((file: string) =>
      shell.withApi(async (api) => {
        const { rows, problems } = parseProductCsv(shell.readFile(file));
        if (problems.length > 0) {
          const lines = problems.map((p) => `  line ${p.line}${p.field ? `, ${p.field}` : ""}: ${p.reason}`);
          throw new CommandError(
            `${file} has ${problems.length} problem${problems.length === 1 ? "" : "s"}; nothing was imported.\n${lines.join("\n")}`,
          );
        }
        const made: ProductJson[] = [];
        for (const { product } of rows) made.push(await api.call<ProductJson>("POST", "/products", product));
        shell.show(made, () => `${made.length} products created.${afterwards(api.live)}`);
      })
    );
}

interface ProductOptions {
  stall: string;
  price: string;
  currency?: string;
  quantity?: string;
  description?: string;
  image: string[];
  category: string[];
  digital?: boolean;
  content?: string;
  id?: string;
}

function productInput(name: string, o: ProductOptions): Record<string, unknown> {
  if (o.quantity !== undefined && !/^\d+$/.test(o.quantity)) {
    throw new CommandError(
      `--quantity ${o.quantity} is not a whole number. Leave it out for as many as you like.`,
      2,
    );
  }
  return {
    name,
    stall_id: o.stall,
    price: o.price,
    quantity: o.quantity === undefined ? null : Number(o.quantity),
    ...(o.currency === undefined ? {} : { currency: o.currency }),
    ...(o.description === undefined ? {} : { description: o.description }),
    ...(o.image.length === 0 ? {} : { images: o.image }),
    ...(o.category.length === 0 ? {} : { categories: o.category }),
    ...(o.digital ? { digital: true } : {}),
    ...(o.content === undefined ? {} : { digital_content: o.content }),
    ...(o.id === undefined ? {} : { id: o.id }),
  };
}

function zone(text: string): { name: string; cost: string } {
  const [, name, cost] = /^(.+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined || cost === undefined) {
    throw new CommandError(`--zone ${text} is not a zone. Write its name and cost: --zone Europe=5`, 2);
  }
  return { name, cost };
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

async function all<T>(
  api: { call<R>(method: string, path: string): Promise<R> },
  path: string,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Page<T> = await api.call<Page<T>>("GET", `${path}?limit=100${query}`);
    found.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor !== null);
  return found;
}

function afterwards(live: boolean): string {
  return live ? "" : " It will be published when ncc starts.";
}
