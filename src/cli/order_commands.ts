import type { Command } from "commander";
import type { Api } from "./connection.ts";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit, printable, table } from "./terminal.ts";

interface OrderJson {
  id: string;
  customer_order_id: string;
  customer: string | null;
  payment: string;
  fulfilment: string;
  total_msat: string;
  received_msat: string;
  items: { name: string; quantity: number }[];
  invoices: { state: string; bolt11: string | null }[];
  name: string | null;
  address: string | null;
  message: string | null;
  reason: string | null;
  created_at: string;
}

interface TimelineJson {
  at: string;
  event: string;
  text: string;
}

/** `ncc order …`. */
export function orderCommands(program: Command, shell: Shell): void {
  const order = program.command("order").description("orders");
  order.command("list").description("newest first")
    .option("--payment <state>", "only those: awaiting, paid, expired, …")
    .option("--fulfilment <state>", "only those: unfulfilled, shipped, delivered")
    .option("--limit <n>", "how many at most", "20")
    .action((o: { payment?: string; fulfilment?: string; limit: string }) =>
      shell.withApi(async (api) => {
        if (!/^[1-9]\d{0,5}$/.test(o.limit)) {
          throw new CommandError(`--limit ${o.limit} is not a number from 1 to 999999.`, exit.usage);
        }
        const query = new URLSearchParams();
        if (o.payment !== undefined) query.set("payment", o.payment);
        if (o.fulfilment !== undefined) query.set("fulfilment", o.fulfilment);
        const orders = await take<OrderJson>(api, "/orders", query, Number(o.limit));
        shell.show(orders, () => orders.length === 0 ? "No orders." : orderTable(orders));
      })
    );
  order.command("show <id>").description("one order with its timeline").action((id: string) =>
    shell.withApi(async (api) => {
      const path = pathOf(id);
      const found = await api.call<OrderJson>("GET", path);
      const { data: timeline } = await api.call<{ data: TimelineJson[] }>("GET", `${path}/timeline`);
      shell.show({ ...found, timeline }, () => orderText(found, timeline));
    })
  );
  order.command("timeline <id>").description("everything that happened to an order, relay by relay")
    .action((id: string) =>
      shell.withApi(async (api) => {
        const { data } = await api.call<{ data: TimelineJson[] }>("GET", `${pathOf(id)}/timeline`);
        shell.show(data, () => data.length === 0 ? "Nothing has happened." : timelineText(data));
      })
    );
  order.command("ship <id>").description("tell the customer that it is on its way")
    .option("--carrier <name>", "who brings it").option("--tracking <number>", "how it is followed")
    .action((id: string, { carrier, tracking }: { carrier?: string; tracking?: string }) =>
      shell.withApi(async (api) => {
        const shipped = await api.call<OrderJson>("POST", `${pathOf(id)}/ship`, { carrier, tracking });
        shell.show(shipped, () => `Order ${shipped.id} is ${shipped.fulfilment}. ${told(api)}`);
      })
    );
  order.command("cancel <id>").description("cancel and tell the customer why")
    .requiredOption("--reason <text>", "what the customer reads")
    .action((id: string, { reason }: { reason: string }) =>
      shell.withApi(async (api) => {
        const cancelled = await api.call<OrderJson>("POST", `${pathOf(id)}/cancel`, { reason });
        shell.show(cancelled, () => `Order ${cancelled.id} is ${cancelled.payment}. ${told(api)}`);
      })
    );
  order.command("accept <id>").description("take what has been paid as enough, or keep an excess as a credit")
    .action((id: string) =>
      shell.withApi(async (api) => {
        const accepted = await api.call<OrderJson>("POST", `${pathOf(id)}/accept`, {});
        shell.show(
          accepted,
          () =>
            `Order ${accepted.id} is ${accepted.payment}, with ${sats(accepted.received_msat)}. ${told(api)}`,
        );
      })
    );
}

function orderTable(orders: OrderJson[]): string {
  return table(
    ["id", "placed", "customer", "items", "total", "payment", "fulfilment"],
    orders.map((order) => [
      order.id,
      order.created_at.slice(0, 16).replace("T", " "),
      order.customer?.slice(0, 8) ?? "a till",
      order.items.map((item) => `${item.quantity} × ${item.name}`).join(", "),
      sats(order.total_msat),
      order.payment,
      order.fulfilment,
    ]),
  );
}

function orderText(order: OrderJson, timeline: TimelineJson[]): string {
  const line = (what: string, text: string | null) => text ? [`${what.padEnd(9)} ${printable(text)}`] : [];
  const open = order.invoices.find((invoice) => invoice.state === "open")?.bolt11 ?? null;
  return [
    ...line("order", `${order.id}  (the customer's: ${order.customer_order_id})`),
    ...line("customer", order.customer ?? "none: a till has asked for its invoice"),
    ...line(
      "state",
      `${order.payment}, ${order.fulfilment}${order.reason === null ? "" : `: ${order.reason}`}`,
    ),
    ...line("total", `${sats(order.total_msat)}, received ${sats(order.received_msat)}`),
    ...order.items.flatMap((item, i) => line(i === 0 ? "items" : "", `${item.quantity} × ${item.name}`)),
    ...line("name", order.name),
    ...line("address", order.address),
    ...line("message", order.message),
    ...line("invoice", open),
    "",
    timelineText(timeline),
  ].join("\n");
}

function timelineText(timeline: TimelineJson[]): string {
  return timeline.map((one) => `${one.at}  ${printable(one.text)}`).join("\n");
}

function sats(msat: string): string {
  return `${BigInt(msat) / 1000n} sat`;
}

function pathOf(id: string): string {
  return `/orders/${encodeURIComponent(id)}`;
}

function told(api: Api): string {
  return api.live ? "The customer is told." : "The customer is told when ncc starts.";
}
