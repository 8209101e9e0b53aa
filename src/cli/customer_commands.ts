import type { Command } from "commander";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, table } from "./terminal.ts";

interface CustomerJson {
  pubkey: string;
  merchant: string;
  orders: number;
  spent_msat: string;
  first_order_at: string;
  last_order_at: string;
  forgotten_orders: number;
}

interface ForgottenJson {
  orders: number;
  messages: number;
  wiped: boolean;
  backups: string[];
  removed_backups: string[];
}

/** `ncc customer …`. */
export function customerCommands(program: Command, shell: Shell): void {
  const customer = program.command("customer").description("who has ordered");
  customer.command("list").description("by key")
    .option("--limit <n>", "how many at most", "100")
    .action(({ limit }: { limit: string }) =>
      shell.withApi(async (api) => {
        if (!/^[1-9]\d{0,5}$/.test(limit)) {
          throw new CommandError(`--limit ${limit} is not a number from 1 to 999999.`, exit.usage);
        }
        const found = await take<CustomerJson>(api, "/customers", new URLSearchParams(), Number(limit));
        shell.show(found, () => found.length === 0 ? "No customers." : customerTable(found));
      })
    );
  customer.command("show <npub>").description("one of them").option("--merchant <pubkey>", "whose customer")
    .action((npub: string, { merchant }: { merchant?: string }) =>
      shell.withApi(async (api) => {
        const found = await api.call<CustomerJson>("GET", pathOf(npub, "", merchant));
        shell.show(found, () => customerTable([found]));
      })
    );
  customer.command("forget <npub>")
    .description("take a customer's data out for good; the orders stay with what the books need")
    .option("--merchant <pubkey>", "whose customer")
    .option("--backups", "remove the backups that still hold it, with all that is in them")
    .action((npub: string, { merchant, backups }: { merchant?: string; backups?: true }) =>
      shell.withApi(async (api) => {
        const body = { backups: backups === true };
        const done = await api.call<ForgottenJson>("POST", pathOf(npub, "/forget", merchant), body);
        shell.show(done, () => forgottenText(done));
      })
    );
}

function customerTable(customers: CustomerJson[]): string {
  return table(
    ["customer", "orders", "spent", "first", "last", "forgotten"],
    customers.map((one) => [
      one.pubkey,
      String(one.orders),
      `${BigInt(one.spent_msat) / 1000n} sat`,
      one.first_order_at.slice(0, 10),
      one.last_order_at.slice(0, 10),
      String(one.forgotten_orders),
    ]),
  );
}

function forgottenText(done: ForgottenJson): string {
  const lines = [
    `Taken out of ${done.orders} orders, ${done.messages} messages deleted.`,
    "Relays that aren't yours may still have the encrypted messages; nobody but the two keys can read them.",
  ];
  if (!done.wiped) {
    lines.push("The database's log is being read by another program: run this once more later.");
  }
  if (done.backups.length > 0) {
    lines.push(
      `These files still hold the customer's data:`,
      ...done.backups.map((path) => `  ${path}`),
      "Remove them by hand, or with --backups. Copies elsewhere are yours to remove.",
    );
  }
  if (done.removed_backups.length > 0) lines.push(`Removed: ${done.removed_backups.join(", ")}`);
  return lines.join("\n");
}

function pathOf(npub: string, rest: string, merchant: string | undefined): string {
  const query = merchant === undefined ? "" : `?merchant=${encodeURIComponent(merchant)}`;
  return `/customers/${encodeURIComponent(npub)}${rest}${query}`;
}
