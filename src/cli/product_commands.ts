import type { Command } from "commander";
import type { Api } from "./connection.ts";
import { importProducts } from "./import_products.ts";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface ProductJson {
  id: string;
  stall_id: string;
  name: string;
  type: string;
  description: string;
  price: number;
  currency: string;
  quantity: number | null;
  held: number;
  available: number | null;
  categories: string[];
  digital: boolean;
  active: boolean;
  published_at: string | null;
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

/** `ncc product …`. */
export function productCommands(program: Command, shell: Shell): void {
  const product = program.command("product").description("products (NIP-15 kind 30018)");
  product.command("add <name>").description("create and publish a product")
    .requiredOption("--stall <id>", "the stall it belongs to")
    .requiredOption("--price <amount>", "price of one, in the stall's currency or --currency")
    .option("--currency <code>", "currency of the price")
    .option("--quantity <n>", "how many there are; without it as many as you like")
    .option("--description <text>", "what it is")
    .option("--image <url>", "a picture; may be given several times", collect, [])
    .option("--category <word>", "a category; may be given several times", collect, [])
    .option("--digital", "nothing is shipped; the buyer gets --content after payment")
    .option("--content <text>", "what the buyer of a digital product gets")
    .option("--id <id>", "an id of your own")
    .action((name: string, o: ProductOptions) =>
      shell.withApi(async (api) => {
        const made = await api.call<ProductJson>("POST", "/products", productInput(name, o));
        shell.show(made, () => `Product ${made.id} "${printable(made.name)}" created.${afterwards(api)}`);
      })
    );
  product.command("list").description("all products")
    .option("--stall <id>", "only those of this stall")
    .action((o: { stall?: string }) =>
      shell.withApi(async (api) => {
        const query = new URLSearchParams(o.stall === undefined ? {} : { stall_id: o.stall });
        const products = await take<ProductJson>(api, "/products", query);
        shell.show(
          products,
          () => products.length === 0 ? "No products. Make one: ncc product add" : list(products),
        );
      })
    );
  product.command("show <id>").description("one product").action((id: string) =>
    shell.withApi(async (api) => {
      const found = await api.call<ProductJson>("GET", `/products/${encodeURIComponent(id)}`);
      shell.show(found, () => text(found));
    })
  );
  product.command("import <file>").description("create products from a CSV file with a line of headings")
    .action((file: string) =>
      shell.withApi(async (api) => {
        const made = await importProducts(api, file, shell.readFile(file));
        shell.show(made, () => `${made.length} products created.${afterwards(api)}`);
      })
    );
}

/** What else there is to know of something that was just made. */
export function afterwards(api: Api): string {
  return api.live ? "" : " Published when ncc starts.";
}

/** For an option that may be given several times. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function list(products: ProductJson[]): string {
  return table(
    ["id", "name", "price", "on hand", "held", "published"],
    products.map((one) => [
      one.id,
      one.name,
      `${one.price} ${one.currency}`,
      amount(one.quantity),
      String(one.held),
      one.published_at ?? "not yet",
    ]),
  );
}

function text(product: ProductJson): string {
  const { quantity, held, available } = product;
  return [
    `product   ${printable(product.id)}${product.type === "simple" ? "" : ` (${product.type})`}`,
    `name      ${printable(product.name)}`,
    ...(product.description === "" ? [] : [`about     ${printable(product.description)}`]),
    `stall     ${printable(product.stall_id)}`,
    `price     ${product.price} ${product.currency}`,
    `stock     ${amount(quantity)} on hand, ${held} held, ${amount(available)} available`,
    ...(product.categories.length === 0 ? [] : [`in        ${product.categories.map(printable).join(", ")}`]),
    ...(product.digital ? ["digital   nothing is shipped"] : []),
    ...(product.active ? [] : ["inactive  it can't be ordered"]),
    `published ${product.published_at ?? "not yet"}`,
  ].join("\n");
}

function amount(quantity: number | null): string {
  return quantity === null ? "unlimited" : String(quantity);
}

/** What isn't given is left out: `JSON.stringify` drops what is undefined. */
function productInput(name: string, o: ProductOptions): Record<string, unknown> {
  if (o.quantity !== undefined && !/^\d+$/.test(o.quantity)) {
    throw new CommandError(
      `--quantity ${o.quantity} is not a whole number. Leave it out for as many as you like.`,
      exit.usage,
    );
  }
  return {
    name,
    stall_id: o.stall,
    price: o.price,
    quantity: o.quantity === undefined ? null : Number(o.quantity),
    currency: o.currency,
    description: o.description,
    images: o.image.length === 0 ? undefined : o.image,
    categories: o.category.length === 0 ? undefined : o.category,
    digital: o.digital,
    digital_content: o.content,
    id: o.id,
  };
}
