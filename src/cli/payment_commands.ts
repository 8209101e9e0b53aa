import type { Command } from "commander";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, table } from "./terminal.ts";

interface PaymentJson {
  id: string;
  order_id: string | null;
  amount_msat: string;
  wallet: string;
  settled_at: string;
  state: string;
}

/** `ncc payment …`. */
export function paymentCommands(program: Command, shell: Shell): void {
  const payment = program.command("payment").description("money that the wallet says has arrived");
  const list = (path: string, none: string) => (o: { limit: string }) =>
    shell.withApi(async (api) => {
      if (!/^[1-9]\d{0,5}$/.test(o.limit)) {
        throw new CommandError(`--limit ${o.limit} is not a number from 1 to 999999.`, exit.usage);
      }
      const payments = await take<PaymentJson>(api, path, new URLSearchParams(), Number(o.limit));
      shell.show(payments, () => payments.length === 0 ? none : paymentTable(payments));
    });
  payment.command("list").description("newest first")
    .option("--limit <n>", "how many at most", "20")
    .action(list("/payments", "No payments."));
  payment.command("unmatched").description("those that match no order")
    .option("--limit <n>", "how many at most", "20")
    .action(list("/payments/unmatched", "No unmatched payments."));
  payment.command("assign <payment> <order>").description("give an unmatched payment to an order")
    .action((id: string, order: string) =>
      shell.withApi(async (api) => {
        const path = `/payments/${encodeURIComponent(id)}/assign`;
        const assigned = await api.call<PaymentJson>("POST", path, { order_id: order });
        shell.show(assigned, () => `${sats(assigned.amount_msat)} now belong to order ${assigned.order_id}.`);
      })
    );
}

function paymentTable(payments: PaymentJson[]): string {
  return table(
    ["id", "arrived", "amount", "state", "order", "wallet"],
    payments.map((one) => [
      one.id,
      one.settled_at.slice(0, 16).replace("T", " "),
      sats(one.amount_msat),
      one.state,
      one.order_id ?? "",
      one.wallet,
    ]),
  );
}

function sats(msat: string): string {
  return `${BigInt(msat) / 1000n} sat`;
}
