import { type PriceSource, priceSources } from "../../../src/money/live/price_source.ts";

/** How a source answers instead of well. */
export type PriceFault =
  | "silent"
  | "away"
  | "html"
  | "endless"
  | "elsewhere"
  | { status: number; retryAfter?: string }
  | { body: string };

/**
 * All six sources, each on a port of its own, with answers shaped as their documentation has them (written from it; this
 * machine reaches none of them). A price is the text that stands in the answer, be it a number's or a string's.
 */
export class PriceServer implements AsyncDisposable {
  /** By source, by currency; what isn't here the source doesn't have. */
  readonly prices = new Map<string, Record<string, string>>();
  readonly faults = new Map<string, PriceFault>();
  /** `coinbase /v2/…`, in order. */
  readonly asked: string[] = [];
  readonly agents = new Set<string>();
  /** So many questions are only answered together: who asks one after the other gets no answer. */
  together = 1;
  #underWay = 0;
  #silent = 0;
  readonly #servers = new Map<string, Deno.HttpServer<Deno.NetAddr>>();

  constructor(prices: Record<string, string> = { EUR: "90000" }) {
    for (const { name } of priceSources) {
      this.prices.set(name, { ...prices });
      this.#servers.set(
        name,
        Deno.serve(
          { port: 0, hostname: "127.0.0.1", onListen: () => {} },
          (request) => this.#answer(name, request),
        ),
      );
    }
  }

  readonly hostOf = ({ name }: PriceSource): string => {
    // Nobody listens there; other low ports the runtime refuses to ask at.
    return `http://127.0.0.1:${this.faults.get(name) === "away" ? 2 : this.#servers.get(name)!.addr.port}`;
  };

  /** Whether only questions are open that nobody will answer. */
  get silent(): boolean {
    return this.#silent > 0 && this.#underWay === 0;
  }

  /** Every source says this of a currency. */
  says(currency: string, price: string): void {
    for (const prices of this.prices.values()) prices[currency] = price;
  }

  /** How often a source was asked. */
  count(name: string): number {
    return this.asked.filter((one) => one.startsWith(`${name} `)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#servers.values()].map((server) => server.shutdown()));
  }

  async #answer(name: string, request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    this.asked.push(`${name} ${pathname}${search}`);
    this.agents.add(request.headers.get("user-agent") ?? "");
    this.#underWay++;
    try {
      while (this.asked.length < this.together) await new Promise((resolve) => setTimeout(resolve, 1));
      return this.#respond(name, pathname + search);
    } finally {
      this.#underWay--;
    }
  }

  #respond(name: string, path: string): Response {
    const fault = this.faults.get(name);
    if (fault === undefined) return answerOf(name, path, this.prices.get(name)!);
    if (fault === "html") return new Response("<html>maintenance</html>");
    if (fault === "endless") return new Response(" ".repeat(300 * 1024));
    if (fault === "elsewhere") {
      const location = `${this.hostOf(priceSources.find((one) => one.name === "yadio")!)}/stolen`;
      return new Response(null, { status: 302, headers: { location } });
    }
    if (fault === "silent") {
      this.#silent++;
      return new Response(new ReadableStream({ cancel: () => void this.#silent-- }));
    }
    if (fault === "away") throw new Error("nobody asks who is away");
    if ("body" in fault) return new Response(fault.body);
    const { status, retryAfter } = fault;
    return new Response("{}", {
      status,
      headers: retryAfter === undefined ? {} : { "retry-after": retryAfter },
    });
  }
}

/** What a source answers to a path: `prices` are the texts of what it has. */
function answerOf(name: string, path: string, prices: Record<string, string>): Response {
  const members = (quote: string, lower = false) =>
    Object.entries(prices).map(([currency, price]) =>
      `"${lower ? currency.toLowerCase() : currency}":${quote}${price}${quote}`
    ).join(",");
  switch (name) {
    case "coinbase":
      return json(`{"data":{"currency":"BTC","rates":{"AED":"367000.5",${members('"')}}}}`);
    case "kraken": {
      const currency = /pair=XBT([A-Z]{3})$/.exec(path)?.[1] ?? "";
      const price = prices[currency];
      if (price === undefined) return json('{"error":["EQuery:Unknown asset pair"]}');
      return json(
        `{"error":[],"result":{"XXBTZ${currency}":{"a":["99999999.00000","1","1.000"],"b":["${price}","1","1.000"],` +
          `"c":["1.00000","0.00010000"],"v":["521.1","1830.2"],"p":["1.0","1.0"],"t":[1,2],"l":["1.0","1.0"],` +
          `"h":["1.0","1.0"],"o":"1.00000"}}}`,
      );
    }
    case "bitstamp": {
      const currency = /\/btc([a-z]{3})\/$/.exec(path)?.[1]?.toUpperCase() ?? "";
      const price = prices[currency];
      if (price === undefined) return new Response('{"status":"error"}', { status: 404 });
      return json(
        `{"timestamp":"1763740800","open":"1","high":"1","low":"1","last":"1","volume":"1","vwap":"1",` +
          `"bid":"${price}","ask":"99999999","side":"0","open_24":"1","percent_change_24":"0.1","market_type":"SPOT"}`,
      );
    }
    case "mempool":
      return json(`{"time":1763740800,${members("")}}`);
    case "coingecko":
      return json(`{"bitcoin":{${members("", true)}}}`);
    case "yadio":
      return json(`{"BTC":{${members("")}},"base":"BTC","timestamp":1763740800000}`);
    default:
      throw new Error(`no source ${name}`);
  }
}

function json(text: string): Response {
  return new Response(text, { headers: { "content-type": "application/json" } });
}
