import { generateSecretKey } from "nostr-tools/pure";
import { freePort, NccProcess, type NccSetup } from "../../support/ncc_process.ts";
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
const lamp = { id: "lamp", stall_id: "lamps", name: "Lamp", price: 20_000 };
/** What one lamp costs with its postage. */
export const PRICE_SAT = 21_500n;

/** An order as the API shows it. */
export interface OrderJson {
  id: string;
  customer_order_id: string;
  payment: string;
  received_msat: string;
}

export interface RealShopOptions {
  envelope?: "nip04" | "nip17";
  /** How many lamps there are; default 10. */
  lamps?: number;
  settings?: Record<string, string>;
}

/** `ncc start` as a process of its own, whose money comes and goes by the shop's node, and one customer. */
export class RealShop implements AsyncDisposable {
  readonly #setup: NccSetup;
  readonly #relay: string;
  #ncc: NccProcess;
  #customer: Shopper | undefined;

  private constructor(setup: NccSetup) {
    this.#setup = setup;
    this.#relay = `ws://127.0.0.1:${setup.port}/relay`;
    this.#ncc = new NccProcess(setup);
  }

  static async open(
    { connections }: Pick<Lightning, "connections">,
    o: RealShopOptions = {},
  ): Promise<RealShop> {
    const { envelope = "nip17", lamps = 10 } = o;
    const shop = new RealShop({
      dataDir: await Deno.makeTempDir({ prefix: "ncc-test-" }),
      port: freePort(),
      settings: { NCC_WALLET: connections.receive, NCC_WALLET_SPEND: connections.spend, ...o.settings },
    });
    try {
      await shop.#isReady();
      await shop.ncc.call("POST", "/stalls", stall);
      await shop.ncc.call("POST", "/products", { ...lamp, quantity: lamps });
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

  get ncc(): NccProcess {
    return this.#ncc;
  }

  /** Kills the server, and starts it again after `meanwhile`. */
  async restart(meanwhile: () => Promise<void>): Promise<void> {
    await this.#ncc.end("SIGKILL");
    await this.customer.close();
    await meanwhile();
    this.#ncc = new NccProcess(this.#setup);
    await this.#isReady();
    await this.customer.connect();
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
    return `ncc's log:\n${await Deno.readTextFile(`${this.#setup.dataDir}/test.log`).catch(() => "none")}`;
  }

  async #isReady(): Promise<void> {
    if (await this.#ncc.ready(PATIENCE_MS) === null) throw new Error(`it isn't ready: ${await this.log()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#customer?.close();
    await this.ncc.end("SIGTERM");
    await Deno.remove(this.#setup.dataDir, { recursive: true });
  }
}
