import type { Insertable } from "kysely";
import type { OrdersTable } from "../../../src/db/tables.ts";
import { enqueue } from "../../../src/jobs/queue.ts";
import { DemoWallet } from "../../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/log.ts";
import { TestApi } from "../test_api.ts";

/** Where the shop is for its customers; a demo wallet is allowed here. */
export const PUBLIC = "https://localhost";
/** Real time: what hasn't happened by then never does. */
const PATIENCE_MS = 60_000;

/** Everything of a customer that an order holds; none of it may show. */
export const CANARY = {
  customer: "c0".repeat(32),
  customer_order_id: "canary-order",
  name: "Canary Name",
  address: "Canary Street 1",
  contact: '{"email":"canary@example.com"}',
  message: "canary message",
  reason: "canary reason",
  tracking: '{"carrier":"canary","tracking":"canary"}',
} satisfies Partial<Insertable<OrdersTable>>;

/** What a page or an LNURL answered. */
export interface Shown {
  status: number;
  headers: Headers;
  text: string;
}

/** A shop that offers its own ways to pay, at work on a fake clock. */
export class PayScene implements AsyncDisposable {
  readonly api: TestApi;
  readonly wallet: DemoWallet;
  readonly lines: ReturnType<typeof recordingLog>["lines"];

  private constructor(api: TestApi, wallet: DemoWallet, lines: PayScene["lines"]) {
    this.api = api;
    this.wallet = wallet;
    this.lines = lines;
  }

  static async open(options = "ln,url,lnurl"): Promise<PayScene> {
    const { log, lines } = recordingLog();
    // Invoices' times are the wallet's own; it has the machine's.
    const wallet = new DemoWallet({ clock: new FakeClock(Date.now()), random: systemRandom, log });
    const settings = { NCC_PORT: "0", NCC_PUBLIC_URL: PUBLIC, NCC_PAYMENT_OPTIONS: options };
    const api = await TestApi.open({ wallet, settings, log });
    await api.start();
    return new PayScene(api, wallet, lines);
  }

  /** An order of a customer with an invoice; answers its id and the links that are offered beside it. */
  async order(change: Partial<Insertable<OrdersTable>> = {}): Promise<{
    id: string;
    bolt11: string;
    links: Record<string, string>;
  }> {
    const { api } = this;
    const id = await api.order({
      ...CANARY,
      payment: "quoting",
      fulfilment: "none",
      received_msat: 0,
      expires_at: api.clock.now() + 900_000,
      ...change,
    });
    await this.invoice(id);
    const [invoice] = (await api.get(`/orders/${id}`)).body.invoices;
    const links = (invoice.links as { type: string; link: string }[]).map(({ type, link }) => [type, link]);
    return { id, bolt11: invoice.bolt11, links: Object.fromEntries(links) };
  }

  /** Has the order get an invoice of what it owes. */
  async invoice(id: string): Promise<void> {
    const { app: { database }, clock, merchant } = this.api;
    const job = { kind: "invoice.create", merchant, payload: { order_id: id } };
    await database.transaction((tx) => enqueue(tx, job, clock.now()));
    await this.until(id, "awaiting", 100);
  }

  /** Time passes in steps until the order's payment is in this state. */
  async until(id: string, payment: string, step: number): Promise<void> {
    const state = async () => (await this.api.get(`/orders/${id}`)).body.payment;
    for (const end = Date.now() + PATIENCE_MS; await state() !== payment;) {
      if (Date.now() > end) throw new Error(`still ${await state()}`);
      await this.api.clock.advance(step);
    }
  }

  /** The order as it is to look, whatever its life cycle would say. */
  async put(id: string, change: Partial<Insertable<OrdersTable>>): Promise<void> {
    await this.api.app.database.transaction((tx) =>
      tx.updateTable("orders").set(change as Record<string, never>).where("id", "=", id).execute()
    );
  }

  async get(url: string): Promise<Shown> {
    const answer = await this.api.app.fetch(new Request(url.startsWith("/") ? `${PUBLIC}${url}` : url));
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await this.wallet.close();
  }
}
