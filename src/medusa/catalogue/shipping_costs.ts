import { MedusaError } from "../medusa_error.ts";
import type { Ask } from "./ask.ts";
import { cart, cartOptions, shippedCart } from "./shapes.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Route, RouteCost } from "./zones.ts";

/**
 * Learns what routes cost, with taxes, in the order of the routes: by an empty cart for each region, which goes from country to
 * country and is then left for good, for Medusa has no way to take it back. Throws a MedusaError when Medusa doesn't answer.
 */
export async function learnCosts(
  ask: Ask,
  s: Surroundings,
  routes: readonly Route[],
  signal?: AbortSignal,
): Promise<RouteCost[]> {
  const costs = new Map<Route, RouteCost>();
  for (const [region, ofRegion] of Map.groupBy(routes, ({ group }) => group.region)) {
    const learner = new RegionCart(ask, s, region, signal);
    for (const [country, there] of Map.groupBy(ofRegion, ({ countries }) => countries[0]!)) {
      await learner.goTo(country);
      for (const route of there) costs.set(route, await learner.costOf(route));
    }
  }
  return routes.map((route) => costs.get(route)!);
}

class RegionCart {
  readonly #ask: Ask;
  readonly #s: Surroundings;
  readonly #region: string;
  readonly #common: { storeKey: string; signal: AbortSignal | undefined };
  #id: string | null = null;
  #offered = new Map<string, boolean>();

  constructor(ask: Ask, s: Surroundings, region: string, signal: AbortSignal | undefined) {
    this.#ask = ask;
    this.#s = s;
    this.#region = region;
    this.#common = { storeKey: s.storeKey, signal };
  }

  async goTo(country: string): Promise<void> {
    const address = { shipping_address: { country_code: country } };
    const made = await this.#ask({
      ...this.#common,
      method: "POST",
      path: this.#id === null ? "/store/carts" : `/store/carts/${this.#id}`,
      body: this.#id === null
        ? { region_id: this.#region, sales_channel_id: this.#s.channel.id, ...address }
        : address,
      schema: cart,
    });
    this.#id = made.cart.id;
    const { shipping_options } = await this.#ask({
      ...this.#common,
      method: "GET",
      path: "/store/shipping-options",
      query: { cart_id: this.#id },
      schema: cartOptions,
    });
    this.#offered = new Map(shipping_options.map(({ id, amount }) => [id, (amount ?? null) !== null]));
  }

  async costOf({ option }: Route): Promise<RouteCost> {
    if (option.price_type !== "flat") {
      return { trouble: "its price is calculated for each order by its provider" };
    }
    const priced = this.#offered.get(option.id);
    if (priced === undefined) return { trouble: "Medusa doesn't offer it to a cart that goes there" };
    if (!priced) return { trouble: `it has no price in ${this.#s.currency}` };
    try {
      const shipped = await this.#ask({
        ...this.#common,
        method: "POST",
        path: `/store/carts/${this.#id}/shipping-methods`,
        body: { option_id: option.id },
        schema: shippedCart,
      });
      return { net: shipped.cart.shipping_subtotal, gross: shipped.cart.shipping_total };
    } catch (error) {
      if (!(error instanceof MedusaError) || error.kind !== "refused") throw error;
      return { trouble: `Medusa doesn't take it: ${error.message}` };
    }
  }
}
