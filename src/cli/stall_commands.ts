import type { Command } from "commander";
import { take } from "./pages.ts";
import { afterwards, collect } from "./product_commands.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface StallJson {
  id: string;
  name: string;
  description: string;
  currency: string;
  shipping: { id: string; name: string; cost: number; regions: string[] }[];
  published_at: string | null;
}

/** `ncc stall …`. */
export function stallCommands(program: Command, shell: Shell): void {
  const stall = program.command("stall").description("stalls (NIP-15 kind 30017)");
  stall.command("add <name>").description("create and publish a stall")
    .option("--currency <code>", "currency of its prices", "sat")
    .option("--description <text>", "what it sells")
    .option("--zone <name=cost>", "a shipping zone, e.g. --zone Europe=5 --zone World=12", collect, [])
    .option("--id <id>", "an id of your own")
    .action((name: string, o: { currency: string; description?: string; zone: string[]; id?: string }) =>
      shell.withApi(async (api) => {
        const made = await api.call<StallJson>("POST", "/stalls", {
          name,
          currency: o.currency,
          description: o.description,
          id: o.id,
          ...(o.zone.length === 0 ? {} : { shipping: o.zone.map(zone) }),
        });
        shell.show(made, () => `Stall ${made.id} "${printable(made.name)}" created.${afterwards(api)}`);
      })
    );
  stall.command("list").description("all stalls").action(() =>
    shell.withApi(async (api) => {
      const stalls = await take<StallJson>(api, "/stalls");
      shell.show(stalls, () => stalls.length === 0 ? "No stalls. Make one: ncc stall add" : list(stalls));
    })
  );
  stall.command("show <id>").description("one stall").action((id: string) =>
    shell.withApi(async (api) => {
      const found = await api.call<StallJson>("GET", `/stalls/${encodeURIComponent(id)}`);
      shell.show(found, () => text(found));
    })
  );
}

function list(stalls: StallJson[]): string {
  return table(
    ["id", "name", "currency", "zones", "published"],
    stalls.map((one) => [
      one.id,
      one.name,
      one.currency,
      one.shipping.map((zone) => `${zone.name || zone.id}=${zone.cost}`).join(" "),
      one.published_at ?? "not yet",
    ]),
  );
}

function text(stall: StallJson): string {
  return [
    `stall     ${printable(stall.id)}`,
    `name      ${printable(stall.name)}`,
    ...(stall.description === "" ? [] : [`about     ${printable(stall.description)}`]),
    `currency  ${stall.currency}`,
    ...stall.shipping.map((zone) =>
      `zone      ${printable(zone.name || zone.id)}: ${zone.cost} ${stall.currency}${
        zone.regions.length === 0 ? "" : ` (${printable(zone.regions.join(", "))})`
      }  id ${printable(zone.id)}`
    ),
    `published ${stall.published_at ?? "not yet"}`,
  ].join("\n");
}

function zone(text: string): { name: string; cost: string } {
  const [, name, cost] = /^(.+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined || cost === undefined) {
    throw new CommandError(
      `--zone ${text} is not a zone. Write its name and cost: --zone Europe=5`,
      exit.usage,
    );
  }
  return { name, cost };
}
