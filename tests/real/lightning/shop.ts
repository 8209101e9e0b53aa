import { generateSecretKey } from "nostr-tools/pure";
import { freePort, NccProcess } from "../../support/ncc_process.ts";
import { lightningLink, lnbitsOrder, type MerchantMessage, Shopper } from "../../support/shopper.ts";
import { eventually } from "./daemon.ts";
import type { Lightning } from "./start.ts";

/** Longer than anything takes on a machine that has other things to do. */
export const PATIENCE_MS = 60_000;

const stall = {
  id: "lamps",
  name: "Lamp shop",
  currency: "sat",
  shipping: [{ id: "post", name: "Post", cost: 1_500, regions: ["*"] }],
};
const lamp = { id: "lamp", stall_id: "lamps", name: "Lamp", price: 20_000, quantity: 10 };
/** What one lamp costs with its postage. */
export const PRICE_SAT = 21_500n;

/** An order as the API shows it. */
export interface OrderJson {
  id: string;
  customer_order_id: string;
  payment: string;
  received_msat: string;
}

/** `ncc start` as a process of its own, whose money comes and goes by the shop's node, and one customer. */
export class RealShop implements AsyncDisposable {
  readonly ncc: NccProcess;
  readonly #dataDir: string;
  readonly #relay: string;
  #customer: Shopper | undefined;

  private constructor(ncc: NccProcess, dataDir: string, port: number) {
    this.ncc = ncc;
    this.#dataDir = dataDir;
    this.#relay = `ws://127.0.0.1:${port}/relay`;
  }

  static async open({ connections }: Lightning, envelope: "nip04" | "nip17" = "nip17"): Promise<RealShop> {
    const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
    const port = freePort();
    const settings = { NCC_WALLET: connections.receive, NCC_WALLET_SPEND: connections.spend };
    const shop = new RealShop(new NccProcess({ dataDir, port, settings }), dataDir, port);
    try {
      if (await shop.ncc.ready(PATIENCE_MS) === null) throw new Error("it isn't ready");
      await shop.ncc.call("POST", "/stalls", stall);
      await shop.ncc.call("POST", "/products", lamp);
      const { data } = await shop.ncc.call<{ data: { pubkey: string }[] }>("GET", "/merchants");
      const merchant = data[0]!.pubkey;
      shop.#customer = new Shopper({
        secretKey: generateSecretKey(),
        merchant,
        envelope,
        relay: shop.#relay,
      });
      await shop.#customer.connect();
      return shop;
    } catch (error) {
      const log = await shop.log();
      await shop[Symbol.asyncDispose]();
      throw new Error(`${error}\n${log}`, { cause: error });
    }
  }

  get customer(): Shopper {
    return this.#customer!;
  }

  /** The customer orders one lamp. */
  async order(id: string): Promise<void> {
    if (!await this.customer.write(lnbitsOrder(id, "lamp", 1, "post"))) {
      throw new Error("the relay refused it");
    }
  }

  /** The customer's bill: a BOLT11 invoice. */
  async bill(orderId: string): Promise<string> {
    const request = await this.hears((message) => message.id === orderId && message.type === 1);
    const link = lightningLink(request);
    if (link === undefined) throw new Error(`no invoice in ${JSON.stringify(request)}`);
    return link;
  }

  /** What the customer hears; throws with the server's log when it doesn't come. */
  async hears(fits: (message: MerchantMessage) => boolean): Promise<MerchantMessage> {
    const message = await this.customer.hears(fits, PATIENCE_MS);
    if (message === undefined) {
      const heard = JSON.stringify([...this.customer.messages.values()]);
      throw new Error(`the customer doesn't hear it (${fits}), only ${heard}\n${await this.log()}`);
    }
    return message;
  }

  async one(customerOrderId: string): Promise<OrderJson> {
    const orders = await this.ncc.all<OrderJson>("/orders");
    return orders.find((order) => order.customer_order_id === customerOrderId)!;
  }

  /** Waits until the server says whether its wallet answers. */
  async walletIs(up: boolean): Promise<void> {
    await eventually(`the wallet is ${up ? "up" : "down"}`, PATIENCE_MS, async () => {
      const response = await fetch(`${this.#relay.replace("ws:", "http:").replace("/relay", "/readyz")}`);
      const { checks } = await response.json();
      return checks.wallet.ok === up || undefined;
    });
  }

  async log(): Promise<string> {
    return `ncc's log:\n${await Deno.readTextFile(`${this.#dataDir}/test.log`).catch(() => "none")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#customer?.close();
    await this.ncc.end("SIGTERM");
    await Deno.remove(this.#dataDir, { recursive: true });
  }
}
