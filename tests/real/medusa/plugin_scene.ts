import { fileURLToPath } from "node:url";
import { freePort, NccProcess, type NccSetup } from "../../support/ncc_process.ts";
import { eventually } from "../lightning/daemon.ts";
import { Door } from "./door.ts";
import { ADMIN } from "./medusa_api.ts";
import { type MedusaServer, startMedusa } from "./medusa_server.ts";

const PLUGIN = fileURLToPath(new URL("../../../src/medusa/plugin/", import.meta.url));
const PROVIDER = "pp_lightning_ncc";
const EVENTS_SECRET = "what the plugin signs its events with";
/** Longer than anything takes on a machine that has other things to do; the job that looks for payments comes every minute. */
export const PATIENCE_MS = 120_000;

/** A payment session as the storefront sees it. */
export interface Session {
  id: string;
  status: string;
  data: { ncc_invoice: string; bolt11: string; payment_hash: string; amount: string; expires_at: string };
}

/** An invoice as ncc shows it to the plugin. */
export interface Invoice {
  id: string;
  reference: string;
  state: string;
  amount: string;
  currency: string;
  amount_msat: string;
  bolt11: string | null;
  refunds: { reference: string | null; amount_msat: string; state: string }[];
}

/** An order as Medusa's admin sees it. */
export interface Order {
  id: string;
  status: string;
  payment_status: string;
  total: number;
  items: { id: string }[];
  payment_collections: {
    payments: { id: string; amount: number; captured_at: string | null; refunds: { amount: number }[] }[];
    payment_sessions: { id: string; status: string }[];
  }[];
}

/** A web shop whose customers pay by Lightning: a real Medusa with our plugin, ncc with the demo wallet, and the way between them. */
export class PluginScene implements AsyncDisposable {
  readonly medusa: MedusaServer;
  readonly door: Door;
  readonly #setup: NccSetup;
  readonly #stack: AsyncDisposableStack;
  readonly #token: string;
  /** What ncc's calls are signed with. */
  readonly secret: string;
  #ncc: NccProcess;

  private constructor(o: {
    token: string;
    secret: string;
    medusa: MedusaServer;
    door: Door;
    setup: NccSetup;
    ncc: NccProcess;
    stack: AsyncDisposableStack;
  }) {
    this.medusa = o.medusa;
    this.door = o.door;
    this.#setup = o.setup;
    this.#token = o.token;
    this.secret = o.secret;
    this.#ncc = o.ncc;
    this.#stack = o.stack;
    this.#stack.defer(() => this.stopNcc());
  }

  /** `options`: further ones of the plugin. */
  static async open(options: Record<string, unknown> = {}): Promise<PluginScene> {
    const stack = new AsyncDisposableStack();
    try {
      const door = stack.use(new Door());
      const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
      stack.defer(() => Deno.remove(dataDir, { recursive: true }));
      const setup = {
        dataDir,
        port: freePort(),
        settings: {
          NCC_LOG: "debug",
          NCC_WALLET: "demo:",
          NCC_RATES: "fixed:EUR=100000",
          NCC_MEDUSA_URL: door.url,
          NCC_MEDUSA_EMAIL: ADMIN.email,
          NCC_MEDUSA_PASSWORD: ADMIN.password,
          NCC_MEDUSA_CHANNEL: "Nostr",
          NCC_MEDUSA_WEBHOOK_SECRET: EVENTS_SECRET,
        },
      };
      const ncc = await running(setup);
      stack.defer(async () => void await ncc.end("SIGKILL"));
      const { token, notify_secret: secret } = await ncc.call<{ token: string; notify_secret: string }>(
        "POST",
        "/tokens",
        { name: "Medusa", scopes: ["invoices"], invoices: { notify_url: `${door.url}/ncc/paid` } },
      );
      const url = `http://127.0.0.1:${setup.port}`;
      const all = { url, token, secret, events_secret: EVENTS_SECRET, ...options };
      const medusa = stack.use(
        await startMedusa({ plugin: PLUGIN, env: { NCC_PLUGIN_OPTIONS: JSON.stringify(all) } }),
      );
      door.leadsTo(medusa.url);
      await medusa.call("POST", `/admin/regions/${medusa.shop.regions.central}`, {
        payment_providers: ["pp_system_default", PROVIDER],
      });
      return new PluginScene({ token, secret, medusa, door, setup, ncc, stack: stack.move() });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** A customer of the storefront fills a cart, and is about to pay it by Lightning. */
  async checkout(sku = "MUG", quantity = 1): Promise<{ cart: string; session: Session }> {
    const { cart, collection } = await this.cart(sku, quantity);
    return { cart, session: await this.pay(collection) };
  }

  /** A cart that only lacks its payment. */
  async cart(sku: string, quantity = 1): Promise<{ cart: string; collection: string }> {
    const { shop } = this.medusa;
    const { cart } = await this.medusa.store<{ cart: { id: string } }>("POST", "/store/carts", {
      region_id: shop.regions.central,
      sales_channel_id: shop.channel,
      email: "web@shop.example",
      items: [{ variant_id: shop.variants[sku], quantity }],
      shipping_address: {
        first_name: "Web",
        last_name: "B",
        address_1: "Weg 1",
        city: "Berlin",
        country_code: "de",
      },
    });
    await this.medusa.store("POST", `/store/carts/${cart.id}/shipping-methods`, {
      option_id: shop.shippingOptions.standard,
    });
    const { payment_collection } = await this.medusa.store<{ payment_collection: { id: string } }>(
      "POST",
      "/store/payment-collections",
      { cart_id: cart.id },
    );
    return { cart: cart.id, collection: payment_collection.id };
  }

  /** Begins a payment by Lightning. */
  async pay(collection: string, data: Record<string, string> = {}): Promise<Session> {
    const path = `/store/payment-collections/${collection}/payment-sessions`;
    const { payment_collection } = await this.medusa.store<
      { payment_collection: { payment_sessions: Session[] } }
    >("POST", path, { provider_id: PROVIDER, data });
    return payment_collection.payment_sessions.find((one) => one.data.bolt11)!;
  }

  /** The order that a cart has become. */
  async complete(cart: string): Promise<string> {
    const { type, order } = await this.medusa.store<{ type: string; order: { id: string } }>(
      "POST",
      `/store/carts/${cart}/complete`,
      {},
    );
    if (type !== "order") throw new Error(`the cart became a ${type}`);
    return order.id;
  }

  /** The customer's wallet pays. */
  async settle(invoice: string): Promise<void> {
    await this.#ncc.call("POST", "/demo/settle", { invoice });
  }

  /** An invoice by its id. */
  async invoice(id: string): Promise<Invoice> {
    return await this.#ncc.call<Invoice>("GET", `/invoices/${id}`);
  }

  /** A call to ncc's API with the plugin's own token. */
  async asPlugin<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#setup.port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return await response.json() as T;
  }

  /** An order as Medusa's admin sees it. */
  async order(id: string): Promise<Order> {
    const fields = "id,status,payment_status,total,metadata,*payment_collections.payments," +
      "*payment_collections.payments.refunds,*payment_collections.payment_sessions,items.id";
    return (await this.medusa.call<{ order: Order }>("GET", `/admin/orders/${id}?fields=${fields}`)).order;
  }

  /** What Medusa says of payments, and of ncc. */
  async said(): Promise<string> {
    return (await this.medusa.log()).split("\n").filter((line) => /Lightning|\bncc\b/.test(line)).join("\n");
  }

  /** What nobody is to read. */
  get secrets(): string[] {
    return [this.#token, this.secret, EVENTS_SECRET];
  }

  get ncc(): NccProcess {
    return this.#ncc;
  }

  async stopNcc(): Promise<void> {
    await this.#ncc.end("SIGTERM");
  }

  async startNcc(): Promise<void> {
    this.#ncc = await running(this.#setup);
  }

  /** What ncc was told of: Medusa's events, and how many products each named. */
  async heard(): Promise<string[]> {
    const log = await Deno.readTextFile(`${this.#setup.dataDir}/test.log`);
    return log.split("\n").filter((line) => line.includes("medusa_hook.called"))
      .map((line) => JSON.parse(line) as { about: string; goods: number | "everything" })
      .map(({ about, goods }) => `${about} ${goods}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

async function running(setup: NccSetup): Promise<NccProcess> {
  const ncc = new NccProcess(setup);
  await eventually("ncc answers", PATIENCE_MS, async () => {
    const response = await fetch(`http://127.0.0.1:${setup.port}/healthz`);
    await response.body?.cancel();
    return response.ok || undefined;
  });
  return ncc;
}
