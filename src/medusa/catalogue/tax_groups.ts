import type { PricePreference, Region, TaxRegion } from "./shapes.ts";

/** Countries of a region where everything is taxed alike, so that it costs the same: lower case ISO 3166-1 alpha-2, sorted. */
export interface TaxGroup {
  region: string;
  countries: string[];
  /** Why what things cost there isn't known from the country alone; null when it is. */
  trouble: string | null;
}

/** Medusa's own calculation, by the rates that it lists; any other may answer anything. */
const OWN_PROVIDER = "tp_system";

/**
 * The countries of a region by how they are taxed, in the order of their first one. They are one group where Medusa adds no
 * tax, and where prices hold their tax already: then the customer pays the same everywhere.
 */
export function taxGroups(
  region: Region,
  taxes: readonly TaxRegion[],
  preferences: readonly PricePreference[],
): TaxGroup[] {
  const countries = region.countries.map((country) => country.iso_2.toLowerCase()).sort();
  const group = (of: string[], trouble: string | null) => ({ region: region.id, countries: of, trouble });
  if (countries.length === 0) return [];
  if (!region.automatic_taxes || pricesHoldTax(region, preferences)) return [group(countries, null)];
  const alike = Map.groupBy(countries, (country) => signature(country, taxes));
  return [...alike.values()].map((of) =>
    group(of, of.some((country) => byProvince(country, taxes)) ? `taxes there depend on the province` : null)
  );
}

/**
 * Whether all prices of a region hold their tax. A region's preference counts only for prices that are its own; any other
 * price follows its currency's.
 */
function pricesHoldTax(region: Region, preferences: readonly PricePreference[]): boolean {
  const said = (attribute: string, value: string) =>
    preferences.find((one) => one.attribute === attribute && one.value === value)?.is_tax_inclusive;
  return said("currency_code", region.currency_code) === true && said("region_id", region.id) !== false;
}

/** The same text for countries that are taxed alike. */
function signature(country: string, taxes: readonly TaxRegion[]): string {
  const own = ofCountry(country, taxes);
  // Only asking tells what such a provider makes of a country.
  const asked = own.some(({ provider_id }) => (provider_id ?? OWN_PROVIDER) !== OWN_PROVIDER);
  if (asked || byProvince(country, taxes)) return country;
  const rates = own.flatMap(({ tax_rates }) =>
    tax_rates.map(({ rate, is_default, is_combinable, rules }) => {
      const only = rules.map(({ reference, reference_id }) => `${reference} ${reference_id}`).sort();
      return JSON.stringify([rate ?? 0, is_default === true, is_combinable === true, only]);
    })
  );
  return JSON.stringify(rates.sort());
}

function byProvince(country: string, taxes: readonly TaxRegion[]): boolean {
  return taxes.some((one) =>
    one.country_code.toLowerCase() === country && isProvince(one) && one.tax_rates.length > 0
  );
}

function ofCountry(country: string, taxes: readonly TaxRegion[]): TaxRegion[] {
  return taxes.filter((one) => one.country_code.toLowerCase() === country && !isProvince(one));
}

function isProvince({ province_code, parent_id }: TaxRegion): boolean {
  return (province_code ?? parent_id ?? null) !== null;
}
