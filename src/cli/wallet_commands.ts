import type { Command } from "commander";
import type { Api } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, table } from "./terminal.ts";

interface WalletJson {
  name: string;
  purpose: "receive" | "spend";
  about: string;
  up: boolean | null;
  error: string | null;
  hook_url: string | null;
}

interface TrialJson {
  ok: boolean;
  steps: { step: string; ok: boolean; detail: string }[];
  lacks: string[];
  warnings: string[];
}

/** `ncc wallet …`. */
export function walletCommands(program: Command, shell: Shell): void {
  const wallet = program.command("wallet").description("what takes the money");
  wallet.command("list").description("the wallets in the order in which they are asked for invoices")
    .action(() =>
      shell.withApi(async (api) => {
        const { data: found } = await api.call<{ data: WalletJson[] }>("GET", "/wallets");
        shell.show(found, () => found.length === 0 ? "No wallet: set NCC_WALLET." : walletTable(found));
      })
    );
  wallet.command("add").description("receive with a further wallet when those before it can't")
    .argument("<name>", "what it shall be called: a-z, 0-9, _ and -")
    .option("--url-file <path>", "where its URL stands; else it is asked for")
    .option("--priority <number>", "the lower one is asked first", "100")
    .option("--merchant <pubkey>", "when several merchants are served")
    .action((name: string, o: { urlFile?: string; priority: string; merchant?: string }) =>
      shell.withApi(async (api) => {
        const url = urlFrom(shell, o.urlFile);
        const added = await api.call<WalletJson>("POST", "/wallets", {
          name,
          url,
          priority: Number(o.priority),
          ...(o.merchant !== undefined && { merchant: o.merchant }),
        });
        shell.show(added, () => `Added ${name}: ${added.about}. Try it: ncc wallet test ${name}`);
      })
    );
  wallet.command("remove").description("receive no more with a further wallet")
    .argument("<name>", "as `ncc wallet list` shows it")
    .option("--merchant <pubkey>", "when several merchants are served")
    .action((name: string, o: { merchant?: string }) =>
      shell.withApi(async (api) => {
        const whose = o.merchant === undefined ? "" : `?merchant=${encodeURIComponent(o.merchant)}`;
        const done = await api.call<{ name: string }>(
          "DELETE",
          `/wallets/${encodeURIComponent(name)}${whose}`,
        );
        shell.show(done, () => `Removed ${done.name}. What it made is looked up no more.`);
      })
    );
  wallet.command("test").description("make, look up and withdraw an invoice of 1 sat")
    .argument("[name]", "as `ncc wallet list` shows it; the first one unless named")
    .option("--merchant <pubkey>", "when several merchants are served")
    .action((name: string | undefined, o: { merchant?: string }) =>
      shell.withApi(async (api) => {
        const tried = await api.call<TrialJson>("POST", "/wallets/test", {
          ...(name !== undefined && { name }),
          ...(o.merchant !== undefined && { merchant: o.merchant }),
        });
        shell.show(tried, () => trialText(tried));
        if (!tried.ok) throw new CommandError("The wallet can't be used like this.");
      })
    );
  wallet.command("settle <invoice>")
    .description(
      "demo wallet only: pay an invoice as a customer would (BOLT11, payment hash, or an order's id)",
    )
    .action((text: string) =>
      shell.withApi(async (api) => {
        const invoice = await invoiceOf(api, text.trim());
        const paid = await api.call<{ order_id: string; amount_msat: string }>("POST", "/demo/settle", {
          invoice,
        });
        shell.show(paid, () => {
          const later = api.live ? "" : " It will be noticed when ncc starts.";
          return `${BigInt(paid.amount_msat) / 1000n} sat paid for order ${paid.order_id}.${later}`;
        });
      })
    );
}

/** Never a flag: it would stand in the shell's history. */
function urlFrom(shell: Shell, file: string | undefined): string {
  if (file !== undefined) return shell.readFile(file).trim();
  const typed = shell.world.askSecret("The wallet's URL:")?.trim();
  if (typed) return typed;
  throw new CommandError("A wallet's URL is needed: give its file with --url-file.", exit.usage);
}

function walletTable(wallets: WalletJson[]): string {
  const hooks = wallets.filter((one) => one.hook_url !== null);
  return [
    table(
      ["name", "for", "answers", "wallet"],
      wallets.map((one) => [
        one.name,
        one.purpose === "spend" ? "refunds" : "payments",
        one.up === null ? "not asked yet" : one.up ? "yes" : `no: ${one.error ?? ""}`,
        one.about,
      ]),
    ),
    ...(hooks.length === 0 ? [] : ["", "Payments are noticed sooner when the provider calls (a webhook):"]),
    ...hooks.map((one) => `${one.name}: ${one.hook_url}`),
  ].join("\n");
}

function trialText({ steps, lacks, warnings }: TrialJson): string {
  return [
    ...steps.map(({ step, ok, detail }) => `${ok ? "✓" : "✗"} ${step}: ${detail}`),
    ...warnings.map((text) => `! ${text}`),
    ...lacks.map((text) => `· ${text}`),
  ].join("\n");
}

async function invoiceOf(api: Api, text: string): Promise<string> {
  if (/^(lightning:)?ln/i.test(text) || /^[0-9a-f]{64}$/i.test(text)) return text;
  const order = await api.call<{ invoices: { state: string; bolt11: string | null }[] }>(
    "GET",
    `/orders/${encodeURIComponent(text)}`,
  );
  const open = order.invoices.find((invoice) => invoice.state === "open")?.bolt11;
  if (!open) throw new CommandError(`Order ${text} has no open invoice.`);
  return open;
}
