import { assertEquals } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { type Answer, TestApi } from "../api/test_api.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

/** Time between two looks at something that is on its way. */
const STEP_MS = 50;
const SOON_MS = 20_000;

/** The whole program, running by a clock that the test moves, and a program that has a token of its till. */
export class Till implements AsyncDisposable {
  readonly api: TestApi;
  readonly clock: FakeClock;
  readonly wallet: DemoWallet;
  /** Where those who paid get their money back. */
  readonly purse: DemoWallet;
  /** What `POST /tokens` said. */
  // deno-lint-ignore no-explicit-any -- what the server says is looked at by the test
  readonly token: any;

  private constructor(api: TestApi, clock: FakeClock, wallets: [DemoWallet, DemoWallet], token: unknown) {
    this.api = api;
    this.clock = clock;
    [this.wallet, this.purse] = wallets;
    this.token = token;
  }

  static async open(
    o: { settings?: Record<string, string>; invoices?: unknown; idle?: true } = {},
  ): Promise<Till> {
    const clock = new FakeClock(Date.now());
    const [wallet, spend, purse] = [1, 2, 3].map(() =>
      new DemoWallet({ clock, random: systemRandom, log: silentLog })
    ) as [DemoWallet, DemoWallet, DemoWallet];
    spend.reaches(purse);
    const settings = { NCC_PORT: "0", NCC_RATES: "fixed:EUR=50000", ...o.settings };
    const api = await TestApi.open({ clock, wallet, spend, settings });
    if (!o.idle) await api.start();
    const made = await api.post("/tokens", {
      name: "Web shop",
      scopes: ["invoices"],
      ...(o.invoices !== undefined && { invoices: o.invoices }),
    });
    assertEquals(made.status, 201, JSON.stringify(made.body));
    return new Till(api, clock, [wallet, purse], made.body);
  }

  /** Another token of the scope, or of others. */
  // deno-lint-ignore no-explicit-any -- as above
  async anotherToken(body: Record<string, unknown> = {}): Promise<any> {
    const made = await this.api.post("/tokens", { name: "Other", scopes: ["invoices"], ...body });
    assertEquals(made.status, 201, JSON.stringify(made.body));
    return made.body;
  }

  /** Asks under /api/v1/invoices with the token, and lets time pass until there is an answer. */
  ask(method: string, path = "", body?: unknown, token: string = this.token.token): Promise<Answer> {
    const asked = this.api.ask(method, `/api/v1/invoices${path}`, {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { body }),
    });
    return this.clock.until(asked, STEP_MS);
  }

  /** An invoice over 21 sat, or what the test says. */
  async invoice(body: Record<string, unknown> = {}): Promise<Answer["body"]> {
    const answer = await this.ask("POST", "", { reference: "cart-1", amount_msat: "21000", ...body });
    assertEquals([200, 201].includes(answer.status), true, JSON.stringify(answer.body));
    return answer.body;
  }

  async see(id: string): Promise<Answer["body"]> {
    const answer = await this.ask("GET", `/${id}`);
    assertEquals(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  }

  /** Somebody pays, and it is booked. */
  async pays(bolt11: string, o: { late?: boolean; amountMsat?: bigint } = {}): Promise<void> {
    const settled = await this.wallet.settle(bolt11, o);
    if (!settled.ok) throw new Error(settled.reason);
    await this.until(async () => {
      const row = await this.api.app.database.kysely.selectFrom("invoices").select("state")
        .where("bolt11", "=", bolt11).executeTakeFirst();
      return row?.state === "paid";
    });
  }

  /** Lets time pass, little by little, until it is so. */
  async until(isSo: () => Promise<boolean> | boolean, step = STEP_MS): Promise<void> {
    for (const end = Date.now() + SOON_MS; !await isSo();) {
      if (Date.now() > end) throw new Error("it didn't happen");
      await this.clock.advance(step);
    }
  }

  /** The same until the invoice is in this state. */
  async becomes(id: string, state: string, step = STEP_MS): Promise<Answer["body"]> {
    let seen: Answer["body"];
    await this.until(async () => (seen = await this.see(id)).state === state, step).catch((error) => {
      throw new Error(`${error.message}: it is ${seen.state}, not ${state}`);
    });
    return seen;
  }

  async rows<T extends "orders" | "invoices" | "refunds" | "notices" | "messages" | "outbox_events">(
    table: T,
  ) {
    return await this.api.app.database.kysely.selectFrom(table as "orders").selectAll()
      .execute() as unknown as Record<string, unknown>[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    for (const wallet of [this.wallet, this.purse]) await wallet.close();
  }
}
