import type { Command } from "commander";
import type { Api } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { CommandError, printable, table } from "./terminal.ts";

interface MerchantJson {
  pubkey: string;
  npub: string;
  name: string;
  state: string;
  halted: string | null;
  wallet: string | null;
}

/** `ncc merchant …`. */
export function merchantCommands(program: Command, shell: Shell): void {
  const merchant = program.command("merchant").description("the keys that sell here");
  merchant.command("list").description("all of them").action(() =>
    shell.withApi(async (api) => {
      const merchants = await served(api);
      shell.show(merchants, () =>
        table(
          ["key", "name", "state", "wallet"],
          merchants.map((one) => [one.npub, one.name, stateOf(one), one.wallet ?? "none"]),
        ));
    })
  );
  merchant.command("pause [pubkey]").description("take no orders; who orders is told why")
    .option("--message <text>", "what customers read")
    .action((pubkey: string | undefined, { message }: { message?: string }) =>
      shell.withApi(async (api) => {
        const paused = await act(api, pubkey, "pause", message === undefined ? {} : { message });
        shell.show(paused, () => `${named(paused)} takes no orders now.`);
      })
    );
  merchant.command("resume [pubkey]").description("take orders again, and answer again after a halt")
    .action((pubkey: string | undefined) =>
      shell.withApi(async (api) => {
        const resumed = await act(api, pubkey, "resume", {});
        shell.show(resumed, () => `${named(resumed)} takes orders. What waited is answered now.`);
      })
    );
}

async function act(api: Api, named: string | undefined, verb: string, body: unknown): Promise<MerchantJson> {
  const merchants = await served(api);
  const [found, ...others] = named === undefined
    ? merchants
    : merchants.filter((one) => one.pubkey === named || one.npub === named);
  if (!found) throw new CommandError(`No merchant ${named ?? ""} is served here. See: ncc merchant list`);
  if (others.length > 0) {
    throw new CommandError(`Several merchants are served here: say which. See: ncc merchant list`);
  }
  return await api.call<MerchantJson>("POST", `/merchants/${found.pubkey}/${verb}`, body);
}

/** All of them: this list has one page. */
async function served(api: Api): Promise<MerchantJson[]> {
  return (await api.call<{ data: MerchantJson[] }>("GET", "/merchants")).data;
}

function stateOf({ state, halted }: MerchantJson): string {
  return halted === null ? state : `halted: ${halted}`;
}

function named({ name, npub }: MerchantJson): string {
  return printable(name === "" ? npub : name);
}
