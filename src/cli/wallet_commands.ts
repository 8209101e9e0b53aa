import type { Command } from "commander";
import type { Api } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { CommandError } from "./terminal.ts";

/** `ncc wallet …`. */
export function walletCommands(program: Command, shell: Shell): void {
  const wallet = program.command("wallet").description("the wallet");
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
