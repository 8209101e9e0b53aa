import type { Command } from "commander";
import type { Api } from "./connection.ts";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface RefundJson {
  id: string;
  order_id: string | null;
  payment_id: string | null;
  amount_msat: string;
  state: string;
  reason: string;
  destination: string | null;
  payment_hash: string | null;
  note: string | null;
  created_at: string;
}

/** `ncc refund …`. */
export function refundCommands(program: Command, shell: Shell): void {
  const refund = program.command("refund").description("money that goes back");
  refund.command("list").description("newest first")
    .option("--state <state>", "only those: due, approved, sent, unknown, …")
    .option("--order <id>", "only those of this order")
    .option("--limit <n>", "how many at most", "20")
    .action((o: { state?: string; order?: string; limit: string }) =>
      shell.withApi(async (api) => {
        if (!/^[1-9]\d{0,5}$/.test(o.limit)) {
          throw new CommandError(`--limit ${o.limit} is not a number from 1 to 999999.`, exit.usage);
        }
        const query = new URLSearchParams();
        if (o.state !== undefined) query.set("state", o.state);
        if (o.order !== undefined) query.set("order_id", o.order);
        const refunds = await take<RefundJson>(api, "/refunds", query, Number(o.limit));
        shell.show(refunds, () => refunds.length === 0 ? "No refunds." : refundTable(refunds));
      })
    );
  refund.command("approve <id>").description(
    "pay it to the invoice or Lightning address that the customer sent",
  )
    .action((id: string) =>
      shell.withApi(async (api) => {
        // What is approved is what was there when it was asked for.
        const seen = await api.call<RefundJson>("GET", pathOf(id));
        const body = {
          ...(seen.payment_hash !== null && { payment_hash: seen.payment_hash }),
          ...(seen.destination !== null && { destination: seen.destination }),
        };
        await act(api, shell, id, "approve", body);
      })
    );
  refund.command("by-hand <id>").description("it was given back another way")
    .requiredOption("--note <text>", "how, for the books")
    .action((id: string, { note }: { note: string }) =>
      shell.withApi((api) => act(api, shell, id, "by_hand", { note }))
    );
  refund.command("cancel <id>").description("nothing goes back")
    .requiredOption("--reason <text>", "what the customer reads")
    .action((id: string, { reason }: { reason: string }) =>
      shell.withApi((api) => act(api, shell, id, "cancel", { reason }))
    );
  refund.command("retry <id>").description("one in doubt: send it again")
    .requiredOption("--not-paid", "you have looked into the wallet, and nothing was paid")
    .action((id: string) => shell.withApi((api) => act(api, shell, id, "retry", { confirm: "not paid" })));
}

async function act(api: Api, shell: Shell, id: string, verb: string, body: unknown): Promise<void> {
  const refund = await api.call<RefundJson>("POST", `${pathOf(id)}/${verb}`, body);
  const later = refund.state === "approved"
    ? api.live ? " It is being paid." : " It is paid when ncc starts."
    : "";
  shell.show(
    refund,
    () => `Refund ${refund.id} over ${sats(refund.amount_msat)} is ${refund.state}.${later}`,
  );
}

function refundTable(refunds: RefundJson[]): string {
  return table(
    ["id", "since", "amount", "state", "of", "destination", "reason"],
    refunds.map((refund) => [
      refund.id,
      refund.created_at.slice(0, 16).replace("T", " "),
      sats(refund.amount_msat),
      refund.state,
      refund.order_id === null ? `payment ${refund.payment_id}` : `order ${refund.order_id}`,
      refund.destination === null ? "none yet" : "there",
      printable(refund.note ?? refund.reason),
    ]),
  );
}

function sats(msat: string): string {
  return `${BigInt(msat) / 1000n} sat`;
}

function pathOf(id: string): string {
  return `/refunds/${encodeURIComponent(id)}`;
}
