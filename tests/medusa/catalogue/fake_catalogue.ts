import type { Ask, Question } from "../../../src/medusa/catalogue/ask.ts";

/** A variant as a test sets it: before taxes, per region's currency. */
export interface FakeVariant {
  id: string;
  title?: string;
  /** Null: it has no price. */
  net?: number | null;
  quantity?: number;
  /** Nobody has counted it. */
  uncounted?: boolean;
  /** The price holds its tax. */
  taxIncluded?: boolean;
  manage?: boolean;
}

export interface FakeProduct {
  id: string;
  title: string;
  description?: string;
  tags?: string[];
  variants: FakeVariant[];
}

/** What a Medusa shows of its catalogue: one channel, one region of two countries with taxes of their own, one shipping option. */
export class FakeCatalogue {
  readonly products = new Map<string, FakeProduct>();
  readonly #drafts = new Set<string>();
  /** In percent, by country. */
  readonly taxes: Record<string, number> = { de: 19, fr: 20 };
  /** Before taxes; undefined: there is no such option. */
  options: Record<string, number> = { so_1: 5 };
  /** What was asked, as `GET /path`. */
  asked: string[] = [];
  /** Where its cart goes. */
  #country = "";
  /** Called before each answer: it may throw, or change what is answered. */
  before: (question: Question<unknown>) => void | Promise<void> = () => {};

  /** Adds products, or changes them. */
  put(...products: FakeProduct[]): void {
    for (const product of products) this.products.set(product.id, product);
  }

  /** Takes a product back into a draft. */
  hide(id: string): void {
    this.#drafts.add(id);
  }

  /** As many products of one variant each. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const n = String(i).padStart(5, "0");
      this.put({
        id: `prod_${n}`,
        title: `Cup ${n}`,
        variants: [{ id: `variant_${n}`, net: 10, quantity: 5 }],
      });
    }
  }

  readonly ask: Ask = async (question) => {
    this.asked.push(`${question.method} ${question.path}`);
    await this.before(question as Question<unknown>);
    return question.schema.parse(this.#answer(question as Question<unknown>));
  };

  #answer({ path, query = {}, body, storeKey }: Question<unknown>): unknown {
    if (path.startsWith("/store/") !== (storeKey === "pk_1")) {
      throw new Error(`${path} with the key ${storeKey}`);
    }
    switch (path) {
      case "/admin/stores":
        return list("stores", [{
          id: "store_1",
          name: "Crockery",
          supported_currencies: [{ currency_code: "eur", is_default: true }],
        }]);
      case "/admin/api-keys":
        return list("api_keys", [{
          id: "apk_1",
          token: "pk_1",
          sales_channels: [{ id: "sc_1", name: "Nostr" }],
        }]);
      case "/admin/sales-channels":
        return list("sales_channels", [{ id: "sc_1", name: "Nostr", stock_locations: [{ id: "sloc_1" }] }]);
      case "/admin/regions":
        return list("regions", [{
          id: "reg_1",
          name: "Europe",
          currency_code: "eur",
          automatic_taxes: true,
          countries: Object.keys(this.taxes).map((iso_2) => ({ iso_2, display_name: iso_2.toUpperCase() })),
        }]);
      case "/admin/shipping-options":
        return list(
          "shipping_options",
          Object.entries(this.options).map(([id, amount]) => ({
            id,
            name: `Parcel ${id}`,
            price_type: "flat",
            prices: [{ amount, currency_code: "eur" }],
            service_zone: {
              geo_zones: Object.keys(this.taxes).map((country_code) => ({ type: "country", country_code })),
              fulfillment_set: { location: { id: "sloc_1" } },
            },
          })),
        );
      case "/admin/tax-regions":
        return list(
          "tax_regions",
          Object.entries(this.taxes).map(([country_code, rate]) => ({
            id: country_code,
            country_code,
            tax_rates: [{ rate, is_default: true }],
          })),
        );
      case "/admin/price-preferences":
        return list("price_preferences", []);
      case "/admin/products":
        return this.#listed(query);
      case "/store/products":
        return this.#page(query);
      case "/admin/product-variants":
        return { variants: this.#levels(query["id[]"] as readonly string[]) };
      case "/store/carts":
      case "/store/carts/cart_1":
        this.#country =
          (body as { shipping_address: { country_code: string } }).shipping_address.country_code;
        return { cart: { id: "cart_1" } };
      case "/store/shipping-options":
        return { shipping_options: Object.entries(this.options).map(([id, amount]) => ({ id, amount })) };
      case "/store/carts/cart_1/shipping-methods": {
        const net = this.options[(body as { option_id: string }).option_id]!;
        return { cart: { shipping_subtotal: net, shipping_total: taxed(net, this.taxes[this.#country]!) } };
      }
      default:
        throw new Error(`nobody should ask for ${path}`);
    }
  }

  #levels(ids: readonly string[]) {
    const all = [...this.products.values()].flatMap(({ variants }) => variants);
    return all.filter(({ id }) => ids.includes(id)).map(({ id, uncounted }) => ({
      id,
      inventory_items: [{ inventory: { location_levels: uncounted ? [] : [{ location_id: "sloc_1" }] } }],
    }));
  }

  #listed({ offset, limit }: NonNullable<Question<unknown>["query"]>) {
    const all = [...this.products.keys()].sort().map((id) => ({
      id,
      status: this.#drafts.has(id) ? "draft" : "published",
      sales_channels: [{ id: "sc_1" }],
    }));
    return { products: all.slice(Number(offset), Number(offset) + Number(limit)), count: all.length };
  }

  #page({ "id[]": id, limit, country_code }: NonNullable<Question<unknown>["query"]>) {
    const asked = [...this.products.values()].filter((product) =>
      (id as readonly string[]).includes(product.id) && !this.#drafts.has(product.id)
    );
    const products = asked.slice(0, Number(limit)).map((product) =>
      shown(product, this.taxes[String(country_code)]!)
    );
    return { products, count: asked.length };
  }
}

function shown({ tags = [], variants, ...product }: FakeProduct, rate: number) {
  return {
    ...product,
    tags: tags.map((value) => ({ value })),
    variants: variants.map((
      { id, title, net = 10, quantity = 5, manage = true, taxIncluded = false },
    ) => ({
      id,
      title: title ?? id,
      manage_inventory: manage,
      allow_backorder: false,
      inventory_quantity: manage ? quantity : null,
      calculated_price: net === null ? null : {
        calculated_amount: net,
        calculated_amount_with_tax: taxIncluded ? net : taxed(net, rate),
        is_calculated_price_tax_inclusive: taxIncluded,
      },
    })),
  };
}

function taxed(net: number, rate: number): number {
  return Math.round(net * (100 + rate)) / 100;
}

function list(name: string, items: unknown[]) {
  return { [name]: items, count: items.length };
}
