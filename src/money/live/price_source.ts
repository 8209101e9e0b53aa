import { valueAt } from "../exact_json.ts";

/** Somebody who says publicly, and without a key, what a bitcoin costs. */
export interface PriceSource {
  /** As it stands in NCC_RATES, and with each quote. */
  name: string;
  /** `https://…`; fixed, so that no setting and no customer can send us elsewhere. */
  host: string;
  /** The currencies that it trades, each asked for by itself; null: one answer has all that it knows. */
  pairs: readonly string[] | null;
  /** What to ask for prices in these currencies, of which `pairs` leaves one. */
  path(currencies: readonly string[]): string;
  /** What the answer says of the price of 1 BTC, as it was written; undefined when it has none in this currency. */
  price(answer: unknown, currency: string): unknown;
  /** What the answer says is wrong, beside HTTP's status; null when nothing is. */
  fault?(answer: unknown): string | null;
}

/**
 * The sources that NCC_RATES can name (reference A4). Of an exchange's two prices the bid counts: it is what somebody gets who
 * sells the bitcoin now, and unlike the last trade it is never old.
 */
export const priceSources: readonly PriceSource[] = [
  {
    // {"data":{"currency":"BTC","rates":{"EUR":"90000.12",…}}}: prices are strings.
    name: "coinbase",
    host: "https://api.coinbase.com",
    pairs: null,
    path: () => "/v2/exchange-rates?currency=BTC",
    price: (answer, currency) => valueAt(answer, "data", "rates", currency),
  },
  {
    // {"error":[],"result":{"XXBTZEUR":{"a":[…],"b":["90000.1","1","1.000"],…}}}: pairs are named otherwise than they are asked
    // for, and one that Kraken doesn't know spoils an answer for several.
    name: "kraken",
    host: "https://api.kraken.com",
    pairs: ["USD", "EUR", "GBP", "CAD", "JPY", "CHF", "AUD"],
    path: ([currency]) => `/0/public/Ticker?pair=XBT${currency}`,
    price(answer) {
      const result = valueAt(answer, "result");
      const [pair] = typeof result === "object" && result !== null ? Object.keys(result) : [];
      return pair === undefined ? undefined : valueAt(result, pair, "b", 0);
    },
    fault(answer) {
      const said = valueAt(answer, "error", 0);
      return typeof said !== "string" || said === "EQuery:Unknown asset pair" ? null : said.slice(0, 80);
    },
  },
  {
    // {"timestamp":"…","last":"…","bid":"90000","ask":"90001",…}: prices are strings.
    name: "bitstamp",
    host: "https://www.bitstamp.net",
    pairs: ["USD", "EUR", "GBP"],
    path: ([currency]) => `/api/v2/ticker/btc${currency!.toLowerCase()}/`,
    price: (answer) => valueAt(answer, "bid"),
  },
  {
    // {"time":1763740800,"USD":100000,"EUR":90000,…}; -1 stands for a price that it hasn't.
    name: "mempool",
    host: "https://mempool.space",
    pairs: null,
    path: () => "/api/v1/prices",
    price(answer, currency) {
      const price = valueAt(answer, currency);
      return price === "-1" ? undefined : price;
    },
  },
  {
    // {"bitcoin":{"eur":90000.12}}; what it doesn't know is left out.
    name: "coingecko",
    host: "https://api.coingecko.com",
    pairs: null,
    path: (currencies) =>
      `/api/v3/simple/price?ids=bitcoin&vs_currencies=${currencies.join(",").toLowerCase()}`,
    price: (answer, currency) => valueAt(answer, "bitcoin", currency.toLowerCase()),
  },
  {
    // {"BTC":{"EUR":90000.12,…},"base":"BTC","timestamp":1763740800000}; it has currencies that the exchanges haven't.
    name: "yadio",
    host: "https://api.yadio.io",
    pairs: null,
    path: () => "/exrates/BTC",
    price: (answer, currency) => valueAt(answer, "BTC", currency),
  },
];

/** The source of this name. Throws when there is none. */
export function priceSource(name: string): PriceSource {
  const source = priceSources.find((one) => one.name === name);
  if (!source) throw new Error(`there is no source of rates named ${name}`);
  return source;
}

/** A question to a source, and for which currencies its answer is. */
export interface PriceQuestion {
  path: string;
  currencies: string[];
}

/** All that has to be asked for prices in these currencies; nothing when the source has none of them. */
export function questionsTo({ pairs, path }: PriceSource, currencies: readonly string[]): PriceQuestion[] {
  if (pairs === null) {
    return currencies.length === 0 ? [] : [{ path: path(currencies), currencies: [...currencies] }];
  }
  return currencies.filter((one) => pairs.includes(one)).map((one) => ({
    path: path([one]),
    currencies: [one],
  }));
}
