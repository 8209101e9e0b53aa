import { generateSecretKey } from "nostr-tools/pure";
import { freePort, NccProcess, type NccSetup } from "../../support/ncc_process.ts";
import { lightningLink, lnbitsOrder, type MerchantMessage, Shopper } from "../../support/shopper.ts";
import { eventually } from "../lightning/daemon.ts";
import { ADMIN } from "./medusa_api.ts";
import type { MedusaServer } from "./medusa_server.ts";

/** Longer than anything takes on a machine that has other things to do. */
export const PATIENCE_MS = 120_000;

/** An order as our API shows it. */
export interface OrderJson {
  id: string;
  customer_order_id: string;
  payment: string;
  fulfilment: string;
  total_msat: string;
}

/** An order as Medusa's admin API shows it. */
export interface MedusaOrderJson {
  id: string;
  status: string;
  payment_status: string;
  fulfillment_status: string;
  total: number;
  email: string;
  items: { id: string; quantity: number; variant_id: string }[];
  payment_collections: { payments?: { id: string }[] }[];
}

/** `ncc start` as a process of its own, which sells on Nostr what a real Medusa has. The demo wallet takes the money. */
export class TwoDoors implements AsyncDisposable {
  readonly medusa: MedusaServer;
  readonly #setup: NccSetup;
  #ncc: NccProcess;
  #merchant = "";

  private constructor(medusa: MedusaServer, setup: NccSetup) {
    this.medusa = medusa;
    this.#setup = setup;
    this.#ncc = new NccProcess(setup);
  }

  /** Opens when the catalogue is there. */
  static async open(medusa: MedusaServer, settings: Record<string, string> = {}): Promise<TwoDoors> {
    const doors = new TwoDoors(medusa, {
      dataDir: await Deno.makeTempDir({ prefix: "ncc-test-" }),
      port: freePort(),
      settings: {
        NCC_WALLET: "demo:",
        NCC_RATES: "fixed:EUR=50000",
        NCC_MAX_HELD_SHARE: "1",
        NCC_MEDUSA_URL: medusa.url,
        NCC_MEDUSA_EMAIL: ADMIN.email,
        NCC_MEDUSA_PASSWORD: ADMIN.password,
        NCC_MEDUSA_CHANNEL: "Nostr",
        ...settings,
      },
    });
    try {
      await doors.#isReady();
      const { data } = await doors.ncc.call<{ data: { pubkey: string }[] }>("GET", "/merchants");
      doors.#merchant = data[0]!.pubkey;
      await eventually("the catalogue", PATIENCE_MS, async () => {
        const products = await doors.ncc.all<{ id: string }>("/products");
        return products.some(({ id }) => id === medusa.shop.variants.MUG) || undefined;
      });
      return doors;
    } catch (error) {
      const log = await doors.log();
      await doors[Symbol.asyncDispose]();
      throw new Error(`${error}\n${log}`, { cause: error });
    }
  }

  get ncc(): NccProcess {
    return this.#ncc;
  }

  /** Kills it, and starts it again. */
  async crash(): Promise<void> {
    await this.#ncc.end("SIGKILL");
    this.#ncc = new NccProcess(this.#setup);
    await this.#isReady();
  }

  /** Somebody with a key of their own, at the built-in relay. */
  async customer(): Promise<Shopper> {
    const relay = `ws://127.0.0.1:${this.#setup.port}/relay`;
    const shopper = new Shopper({
      secretKey: generateSecretKey(),
      merchant: this.#merchant,
      envelope: "nip17",
      relay,
    });
    await shopper.connect();
    return shopper;
  }

  /** Orders so many mugs to Germany. */
  async order(shopper: Shopper, id: string, quantity = 1): Promise<void> {
    const { variants, shippingOptions } = this.medusa.shop;
    const { zone } = await this.zone(shippingOptions.standard, "DE");
    const order = {
      ...lnbitsOrder(id, variants.MUG!, quantity, zone),
      address: "Alice\nWeg 1\n10115 Berlin\nGermany",
    };
    if (!await shopper.write(order)) throw new Error("the relay refused it");
  }

  /** The zone that an option's country is in. */
  async zone(option: string, country: string): Promise<{ zone: string }> {
    const name = new Intl.DisplayNames("en", { type: "region" }).of(country)!;
    const stalls = await this.ncc.all<{ shipping: { id: string; regions: string[] }[] }>("/stalls");
    const zones = stalls.flatMap((stall) => stall.shipping).filter(({ id }) => id.startsWith(option));
    const found = zones.find(({ regions }) => regions.includes(name) || regions.includes(country)) ??
      zones[0];
    if (!found) throw new Error(`no zone of ${option} in ${JSON.stringify(stalls)}`);
    return { zone: found.id };
  }

  async answer(shopper: Shopper, id: string): Promise<MerchantMessage> {
    const late = /takes longer/;
    return await this.hears(
      shopper,
      (one) => one.id === id && one.type === 1 && !late.test(one.message ?? ""),
    );
  }

  async pay(request: MerchantMessage): Promise<void> {
    await this.ncc.call("POST", "/demo/settle", { invoice: lightningLink(request) });
  }

  async hears(shopper: Shopper, fits: (message: MerchantMessage) => boolean): Promise<MerchantMessage> {
    const message = await shopper.hears(fits, PATIENCE_MS);
    if (message) return message;
    const heard = JSON.stringify([...shopper.messages.values()]);
    throw new Error(`the customer doesn't hear it (${fits}), only ${heard}\n${await this.log()}`);
  }

  async orders(): Promise<OrderJson[]> {
    return await this.ncc.all<OrderJson>("/orders");
  }

  /** Those of ours in Medusa, newest first. */
  async theirs(): Promise<MedusaOrderJson[]> {
    const fields =
      "id,status,payment_status,fulfillment_status,total,email,*items,payment_collections.payments.id";
    const { orders } = await this.medusa.call<{ orders: MedusaOrderJson[] }>(
      "GET",
      `/admin/orders?limit=1000&q=%40ncc.invalid&fields=${fields}`,
    );
    return orders;
  }

  async stock(sku: string): Promise<{ stocked: number; reserved: number }> {
    const { inventory_levels: [level] } = await this.medusa.call<
      { inventory_levels: { stocked_quantity: number; reserved_quantity: number }[] }
    >("GET", `/admin/inventory-items/${this.medusa.shop.inventoryItems[sku]}/location-levels`);
    return { stocked: level!.stocked_quantity, reserved: level!.reserved_quantity };
  }

  async log(): Promise<string> {
    return `ncc's log:\n${await Deno.readTextFile(`${this.#setup.dataDir}/test.log`).catch(() => "none")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ncc.end("SIGTERM");
    await Deno.remove(this.#setup.dataDir, { recursive: true });
  }

  async #isReady(): Promise<void> {
    if (await this.#ncc.ready(PATIENCE_MS) === null) throw new Error("ncc doesn't become ready");
  }
}

/** A web customer's checkout: false when Medusa hasn't got it. */
export async function webCheckout(medusa: MedusaServer, sku: string): Promise<boolean> {
  const { shop } = medusa;
  const post = <T>(path: string, body: unknown) => medusa.store<T>("POST", path, body);
  const { cart } = await post<{ cart: { id: string } }>("/store/carts", {
    region_id: shop.regions.central,
    email: `web-${crypto.randomUUID()}@example.com`,
    shipping_address: {
      first_name: "W",
      address_1: "Weg 1",
      city: "Berlin",
      postal_code: "10115",
      country_code: "de",
    },
    items: [{ variant_id: shop.variants[sku], quantity: 1 }],
  });
  await post(`/store/carts/${cart.id}/shipping-methods`, { option_id: shop.shippingOptions.standard });
  const { payment_collection } = await post<{ payment_collection: { id: string } }>(
    "/store/payment-collections",
    {
      cart_id: cart.id,
    },
  );
  await post(`/store/payment-collections/${payment_collection.id}/payment-sessions`, {
    provider_id: "pp_system_default",
  });
  const { type } = await post<{ type: string }>(`/store/carts/${cart.id}/complete`, {});
  return type === "order";
}
