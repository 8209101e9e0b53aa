import { z } from "zod";
import {
  pricePreference,
  type Region,
  region,
  type ShippingOption,
  shippingOption,
  type StoreProduct,
  storeProduct,
  type TaxRegion,
  taxRegion,
} from "../../../src/medusa/catalogue/shapes.ts";

/** Answers of Medusa's, as much of them as a test wants to be another way. */

export function aRegion(change: Partial<z.input<typeof region>> = {}): Region {
  return region.parse({
    id: "reg_1",
    name: "Europe",
    currency_code: "eur",
    automatic_taxes: true,
    countries: [{ iso_2: "de", display_name: "Germany" }, { iso_2: "fr", display_name: "France" }],
    ...change,
  });
}

export function anOption(
  id: string,
  countries: string[],
  change: Partial<z.input<typeof shippingOption>> = {},
): ShippingOption {
  return shippingOption.parse({
    id,
    name: "Standard",
    price_type: "flat",
    service_zone: {
      geo_zones: countries.map((country_code) => ({ type: "country", country_code })),
      fulfillment_set: { location: { id: "sloc_1" } },
    },
    ...change,
  });
}

export function aTax(
  country_code: string,
  rate: number,
  change: Partial<z.input<typeof taxRegion>> = {},
): TaxRegion {
  return taxRegion.parse({
    id: `txreg_${country_code}`,
    country_code,
    provider_id: "tp_system",
    tax_rates: [{ rate, is_default: true, is_combinable: false, rules: [] }],
    ...change,
  });
}

export function aPreference(attribute: string, value: string, is_tax_inclusive: boolean) {
  return pricePreference.parse({ attribute, value, is_tax_inclusive });
}

type VariantInput = NonNullable<z.input<typeof storeProduct>["variants"]>[number];

export function aVariant(id: string, change: Partial<VariantInput> = {}): VariantInput {
  return {
    id,
    title: "Default variant",
    manage_inventory: true,
    allow_backorder: false,
    inventory_quantity: 5,
    options: [{ value: "Default option value", option_id: "opt_1" }],
    ...change,
  };
}

export function aProduct(change: Partial<z.input<typeof storeProduct>> = {}): StoreProduct {
  return storeProduct.parse({
    id: "prod_1",
    title: "Cup",
    description: "of clay",
    options: [{ id: "opt_1", title: "Default option" }],
    variants: [aVariant("variant_1")],
    ...change,
  });
}
