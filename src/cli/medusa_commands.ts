import type { Command } from "commander";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface MedusaJson {
  up: boolean | null;
  states: { name: string; ok: boolean; detail: string }[];
  stall_id: string | null;
  currency: string | null;
  products: number;
  conflicts: number;
  problem: string | null;
  sweep_ended_at: string | null;
  sweep:
    | { seen: number; made: number; changed: number; removed: number; troubles: number; seconds: number }
    | null;
}

interface ProductJson {
  id: string;
  title: string;
  state: string;
  trouble: string | null;
  conflicts: { field: string; ours: unknown; theirs: unknown }[];
}

interface ZoneJson {
  id: string;
  name: string;
  cost: string;
  trouble: string | null;
  left_out: boolean;
}

const STATES = ["conflict", "trouble", "left_out"];

/** `ncc medusa …`. */
export function medusaCommands(program: Command, shell: Shell): void {
  const medusa = program.command("medusa").description("the catalogue that is taken from Medusa");
  medusa.command("status").description("how Medusa is, and what its last sweep found").action(() =>
    shell.withApi(async (api) => {
      const found = await api.call<MedusaJson>("GET", "/medusa");
      shell.show(found, () => statusText(found));
    })
  );
  medusa.command("products").description("what Medusa has for the catalogue")
    .option("--state <state>", `only those of one state: ${STATES.join(", ")}`)
    .action((o: { state?: string }) =>
      shell.withApi(async (api) => {
        const query = new URLSearchParams(o.state === undefined ? {} : { state: o.state.replace("-", "_") });
        const products = await take<ProductJson>(api, "/medusa/products", query);
        shell.show(products, () => products.length === 0 ? "No products." : productList(products));
      })
    );
  medusa.command("zones").description("where Medusa ships to, and for how much").action(() =>
    shell.withApi(async (api) => {
      const { data } = await api.call<{ data: ZoneJson[] }>("GET", "/medusa/zones");
      shell.show(data, () => data.length === 0 ? "No zones." : zoneList(data));
    })
  );
  medusa.command("sweep").description("have the whole catalogue read from Medusa now").action(() =>
    shell.withApi(async (api) => {
      const found = await api.call<MedusaJson>("POST", "/medusa/sweep", {});
      shell.show(
        found,
        () =>
          api.live ? "Medusa's catalogue is being read: ncc medusa status" : "It is read when ncc starts.",
      );
    })
  );
  medusa.command("leave-out <id>").description("leave a product, or a zone, of Medusa's out of Nostr")
    .option("--zone", "it is a zone")
    .option("--undo", "take it again")
    .action((id: string, o: { zone?: boolean; undo?: boolean }) =>
      shell.withApi(async (api) => {
        const path = `/medusa/${o.zone ? "zones" : "products"}/${encodeURIComponent(id)}`;
        const done = await api.call<{ id: string }>("PATCH", path, { left_out: o.undo !== true });
        const said = o.undo ? "is taken again" : "is left out";
        shell.show(done, () => `${o.zone ? "Zone" : "Product"} ${printable(id)} ${said}.`);
      })
    );
  medusa.command("let-go").description("make what Medusa kept your own, once NCC_MEDUSA_URL is set no more")
    .action(() =>
      shell.withApi(async (api) => {
        const done = await api.call<{ merchant: string }>("DELETE", "/medusa");
        shell.show(done, () => "What Medusa kept is your own now.");
      })
    );
  medusa.command("take <id> <field> <side>").description(
    "decide what both sides changed of a product: ours or theirs",
  )
    .action((id: string, field: string, side: string) => {
      if (side !== "ours" && side !== "theirs") {
        throw new CommandError(`${side} is no side. Say ours or theirs.`, exit.usage);
      }
      return shell.withApi(async (api) => {
        const path = `/medusa/products/${encodeURIComponent(id)}`;
        const done = await api.call<ProductJson>("PATCH", path, { take: { [field]: side } });
        const left = done.conflicts.length;
        shell.show(
          done,
          () =>
            `The ${printable(field)} of ${printable(done.title)} is ${side} now.${
              left === 0 ? "" : ` ${left} more to decide.`
            }`,
        );
      });
    });
}

function statusText(found: MedusaJson): string {
  const { sweep } = found;
  return [
    `medusa    ${found.up === null ? "not asked yet" : found.up ? "up" : "down"}`,
    ...(found.problem === null ? [] : [`problem   ${printable(found.problem)}`]),
    ...found.states.map(({ name, ok, detail }) => `${ok ? "·" : "✗"} ${name}: ${printable(detail)}`),
    `stall     ${
      found.stall_id === null ? "none yet" : `${printable(found.stall_id)} (${found.currency ?? "?"})`
    }`,
    `products  ${found.products}${found.conflicts === 0 ? "" : `, ${found.conflicts} changed on both sides`}`,
    sweep === null
      ? "swept     not yet"
      : `swept     ${found.sweep_ended_at}: ${sweep.seen} seen, ${sweep.made} made, ${sweep.changed} changed, ` +
        `${sweep.removed} removed, ${sweep.troubles} in trouble, in ${sweep.seconds} s`,
  ].join("\n");
}

function productList(products: ProductJson[]): string {
  return table(
    ["id", "title", "state", ""],
    products.map((one) => [one.id, one.title, one.state.replace("_", " "), one.trouble ?? conflictText(one)]),
  );
}

function conflictText({ conflicts }: ProductJson): string {
  return conflicts.map(({ field, ours, theirs }) => `${field}: ${shown(ours)} | ${shown(theirs)}`).join("; ");
}

function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`;
}

function zoneList(zones: ZoneJson[]): string {
  return table(
    ["id", "name", "cost", ""],
    zones.map((one) => [one.id, one.name, one.cost, one.left_out ? "left out" : one.trouble ?? ""]),
  );
}
