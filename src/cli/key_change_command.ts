import type { Command } from "commander";
import { keepNewKey, newKeyFile } from "../app/new_key.ts";
import { npub, parsePublicKey } from "../nostr/keys.ts";
import { systemRandom } from "../random.ts";
import type { Api } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit } from "./terminal.ts";

interface Options {
  keyFile?: string;
  merchant?: string;
  emergency?: boolean;
  yes?: boolean;
}

interface MerchantJson {
  pubkey: string;
  name: string;
  moved_to: string | null;
}

interface MoveJson {
  merchant: MerchantJson;
  stalls: number;
  products: number;
  unpaid_orders: number;
  unsent_orders: number;
}

/** `ncc key change`: moves the shop to another key. */
export function keyChangeCommand(key: Command, shell: Shell): void {
  key.command("change").description("moves the shop to another key; the old one ends what it began")
    .option("--key-file <path>", "the new key (nsec, hex, or bunker://…); else one is made")
    .option("--merchant <key>", "whose shop, where there are several")
    .option("--emergency", "the old key is stolen or lost: nothing more is signed or answered with it")
    .option("--yes", "don't ask")
    .action(async (o: Options) => {
      await shell.withApi(async (api) => {
        const from = await merchantOf(api, o.merchant);
        confirm(shell, from, o);
        const settings = shell.settings();
        const given = o.keyFile === undefined ? null : shell.readFile(o.keyFile).trim();
        // Written before anything moves: a key that stood nowhere else would be lost with this process.
        const { text, file } = given === null
          ? await newKeyFile(settings, systemRandom)
          : { text: given, file: null };
        const moved = await api.call<MoveJson>("POST", `/merchants/${from.pubkey}/move`, {
          secret_key: text,
          emergency: o.emergency === true,
        });
        const kept = await keepNewKey(settings, systemRandom, { from: from.pubkey, file });
        const result = { from: from.pubkey, to: moved.merchant.pubkey, ...counts(moved), ...kept };
        shell.show(result, () => story(from, moved, { ...kept, emergency: o.emergency === true }));
      });
    });
}

function counts({ stalls, products, unpaid_orders, unsent_orders }: MoveJson) {
  return { stalls, products, unpaid_orders, unsent_orders };
}

async function merchantOf(api: Api, named: string | undefined): Promise<MerchantJson> {
  const { data } = await api.call<{ data: MerchantJson[] }>("GET", "/merchants");
  const here = data.filter((one) => one.moved_to === null);
  if (named === undefined) {
    if (here.length === 1) return here[0]!;
    throw new CommandError(`There are ${here.length} merchants: say which with --merchant.`, exit.usage);
  }
  const key = parsePublicKey(named);
  if (!key.ok) throw new CommandError(key.reason, exit.usage);
  const found = data.find((one) => one.pubkey === key.pubkey);
  if (found) return found;
  throw new CommandError(`No merchant ${named} is served here.`);
}

function confirm(shell: Shell, from: MerchantJson, { yes, emergency }: Options): void {
  if (yes === true) return;
  const what = emergency === true
    ? "Nothing more will be signed or answered with the old key, at once and for good."
    : "The old key takes no more orders, and answers those it took until they end.";
  const said = shell.world.ask(`The shop of ${npub(from.pubkey)} gets another key. ${what} Type "move":`);
  if (said?.trim() !== "move") {
    throw new CommandError("Nothing was changed. Where nobody can be asked, give --yes.", exit.usage);
  }
}

function story(
  from: MerchantJson,
  moved: MoveJson,
  o: { backup: string | null; next: string | null; emergency: boolean },
): string {
  const { merchant, stalls, products, unpaid_orders, unsent_orders } = moved;
  const told = [
    `The shop is ${
      npub(merchant.pubkey)
    } now: ${stalls} stalls and ${products} products are published under it.`,
    `  before  ${npub(from.pubkey)}`,
    `  orders  ${unpaid_orders} unpaid and ${unsent_orders} paid but unsent orders of the old key`,
    ...(o.backup === null ? [] : [`  old key ${o.backup}: keep it until its last order has ended`]),
    "",
    "Next:",
    ...(o.next === null ? [] : [`  - ${o.next}`]),
    "  - Back the new key up: ncc key export --encrypted",
    "  - Change your NIP-05 name, your links and whatever else names the old npub.",
  ];
  if (!o.emergency) {
    return [
      ...told,
      "  - Nothing else: who orders at the old key is told where the shop is, its offers are withdrawn, and its open orders",
      "    are answered until they end. Keep this running with the old key's data.",
    ].join("\n");
  }
  return [
    ...told,
    "  - Tell people by other ways than the old key: whoever has it can say the same as you, and withdraw nothing of yours.",
    "  - Payments to the old key's invoices are still booked. Send what is paid (ncc order list --payment paid) and write",
    "    to its buyers from the new key: the old one answers nobody any more.",
    "  - The thief can still take orders with the old key. Revoke the old key's connections: remote signer, wallet, apps.",
  ].join("\n");
}
