import type { Command } from "commander";
import type { Shell } from "./shell.ts";
import { printable, table } from "./terminal.ts";

interface OrderJson {
  id: string;
  customer_order_id: string;
  customer: string;
  payment: string;
  fulfilment: string;
  total_msat: string;
  items: { name: string; quantity: number }[];
  address: string | null;
  reason: string | null;
  created_at: string;
}

/** `ncc order …`. */
export function orderCommands(program: Command, shell: Shell): void {
  const order = program.command("order").description("orders");
  order.command("list").description("newest first")
    .option("--payment <state>", "only those: awaiting, paid, expired, …")
    .option("--limit <n>", "how many", "20")
    .action((o: { payment?: string; limit: string }) =>
      shell.withApi(async (api) => {
        const filter = o.payment === undefined ? "" : `&payment=${encodeURIComponent(o.payment)}`;
        const { data } = await api.call<{ data: OrderJson[] }>(
          "GET",
          `/orders?limit=${encodeURIComponent(o.limit)}${filter}`,
        );
        shell.show(data, () =>
          table(
            ["id", "placed", "customer", "items", "total", "payment", "fulfilment"],
            data.map((row) => [
              row.id,
              row.created_at,
              row.customer.slice(0, 8),
              row.items.map((item) => `${item.quantity} × ${item.name}`).join(", "),
              `${BigInt(row.total_msat) / 1000n} sat`,
              row.payment,
              row.fulfilment,
            ]),
          ));
      })
    );
  order.command("show <id>").description("one order with its timeline").action((id: string) =>
    shell.withApi(async (api) => {
      const path = `/orders/${encodeURIComponent(id)}`;
      const found = await api.call<OrderJson>("GET", path);
      const { data: timeline } = await api.call<{ data: { at: string; event: string; text: string }[] }>(
        "GET",
        `${path}/timeline`,
      );
      shell.show({ ...found, timeline }, () =>
        [
          `order     ${found.id}  (${printable(found.customer_order_id)})`,
          `customer  ${found.customer}`,
          `state     ${found.payment}, ${found.fulfilment}${
            found.reason ? `: ${printable(found.reason)}` : ""
          }`,
          `total     ${BigInt(found.total_msat) / 1000n} sat`,
          ...found.items.map((item) => `          ${item.quantity} × ${printable(item.name)}`),
          ...(found.address ? [`address   ${printable(found.address)}`] : []),
          "",
          ...timeline.map((line) => `${line.at}  ${printable(line.text)}`),
        ].join("\n"));
    })
  );
  order.command("ship <id>").description("tell the customer that it is on its way")
    .option("--carrier <name>").option("--tracking <number>")
    .action((id: string, o: { carrier?: string; tracking?: string }) =>
      shell.withApi(async (api) => {
        const shipped = await api.call<OrderJson>("POST", `/orders/${encodeURIComponent(id)}/ship`, o);
        shell.show(shipped, () => `Order ${shipped.id} is ${shipped.fulfilment}. The customer is told.`);
      })
    );
  order.command("cancel <id>").description("cancel and tell the customer why")
    .requiredOption("--reason <text>", "what the customer reads")
    .action((id: string, o: { reason: string }) =>
      shell.withApi(async (api) => {
        const cancelled = await api.call<OrderJson>("POST", `/orders/${encodeURIComponent(id)}/cancel`, {
          reason: o.reason,
        });
        shell.show(cancelled, () => `Order ${cancelled.id} is ${cancelled.payment}. The customer is told.`);
      })
    );
}
