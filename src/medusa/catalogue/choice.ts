import { isKnownCurrency, normaliseCurrency } from "../../money/currency.ts";
import type * as shapes from "./shapes.ts";

/** What the merchant chose of Medusa; null: what stands to reason. */
export interface Choice {
  /** A sales channel's id or name; the only one that a publishable key shows otherwise, or the store's default. */
  channel: string | null;
  /** The store's default otherwise. */
  currency: string | null;
}

/** Why nothing can be taken from Medusa as it is set up: what the report calls it, and what the merchant can do. */
export interface Unusable {
  ok: false;
  lack: "no_channel" | "no_currency" | "problem";
  /** Without a full stop. */
  reason: string;
  /** A sentence. */
  remedy: string;
}

/** A sales channel, and the publishable key that shows it. */
export interface ChosenChannel {
  ok: true;
  channel: { id: string; name: string };
  key: string;
  /** The key shows no other channel. */
  only: boolean;
}

/** The sales channel, and a key that shows it; the key that shows nothing else first, for some questions want such a one. */
export function chooseChannel(
  keys: readonly shapes.ApiKey[],
  store: shapes.Store | undefined,
  wanted: string | null,
): ChosenChannel | Unusable {
  const good = keys.filter(({ revoked_at }) => (revoked_at ?? null) === null)
    .sort((a, b) => a.sales_channels.length - b.sales_channels.length || (a.id < b.id ? -1 : 1));
  const channels = [
    ...new Map(good.flatMap((key) => key.sales_channels.map((one) => [one.id, one] as const))).values(),
  ];
  if (channels.length === 0) {
    return noChannel(
      "no publishable API key of Medusa's shows a sales channel",
      "Make one in Medusa's settings, and give it the sales channel whose products are sold here.",
    );
  }
  const remedy = `Set NCC_MEDUSA_CHANNEL to one of: ${named(channels)}.`;
  const usual = store?.default_sales_channel_id ?? null;
  const found = wanted === null && channels.length > 1
    ? channels.filter(({ id }) => id === usual)
    : channels.filter(({ id, name }) => wanted === null || id === wanted || name === wanted);
  if (found.length === 0 && wanted !== null) {
    return noChannel(`no publishable API key of Medusa's shows a sales channel ${wanted}`, remedy);
  }
  const [channel] = found;
  if (found.length !== 1 || channel === undefined) {
    return noChannel("several sales channels of Medusa's have a publishable API key", remedy);
  }
  const key = good.find(({ sales_channels }) => sales_channels.some(({ id }) => id === channel.id))!;
  return { ok: true, channel, key: key.token, only: key.sales_channels.length === 1 };
}

/** The currency that is sold in, as Medusa writes it. */
export function chooseCurrency(
  store: shapes.Store | undefined,
  wanted: string | null,
): { ok: true; currency: string } | Unusable {
  const supported = store?.supported_currencies ?? [];
  const codes = supported.map(({ currency_code }) => normaliseCurrency(currency_code)).join(", ");
  const remedy = `Set NCC_MEDUSA_CURRENCY to one of those that Medusa's store has: ${codes || "none yet"}.`;
  const currency = wanted?.toLowerCase() ??
    (supported.find(({ is_default }) => is_default) ?? supported[0])?.currency_code;
  if (currency === undefined) return noCurrency("Medusa's store has no currency", remedy);
  const code = normaliseCurrency(currency);
  if (!supported.some(({ currency_code }) => currency_code === currency)) {
    return noCurrency(`Medusa's store doesn't have the currency ${code}`, remedy);
  }
  return isKnownCurrency(currency)
    ? { ok: true, currency }
    : noCurrency(`${code} is no currency that is known here`, remedy);
}

function named(channels: readonly { id: string; name: string }[]): string {
  return channels.map(({ id, name }) => `${name} (${id})`).sort().join(", ");
}

function noChannel(reason: string, remedy: string): Unusable {
  return { ok: false, lack: "no_channel", reason, remedy };
}

function noCurrency(reason: string, remedy: string): Unusable {
  return { ok: false, lack: "no_currency", reason, remedy };
}
