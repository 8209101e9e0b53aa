/** What the fake was asked, as it came. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  authorization: string | null;
  storeKey: string | null;
}

/** What is answered: JSON with 200, a refusal in Medusa's form, or anything else as a `Response`. */
export type Answer =
  | Response
  | Record<string, unknown>
  | ((asked: Asked) => Response | Record<string, unknown>);

/**
 * What goes wrong with one call: `lost`: it is done, and its answer breaks off; a status: nothing is done; `html`: the page of
 * servers that have no such route; a promise: all goes well once the test resolves it.
 */
export type Fault = "lost" | "html" | number | Promise<void>;

/**
 * A Medusa for tests: it knows who may ask, says what the test has registered, and fails as it is told. Routes are written
 * `GET /admin/orders/*`; a star is one segment.
 */
export class FakeMedusa implements AsyncDisposable {
  readonly email = "ncc@example.com";
  readonly password = "supersecret-password";
  readonly key = "sk_0123456789abcdef0123456789abcdef";
  readonly storeKey = "pk_0123456789abcdef0123456789abcdef";
  /** Calls other than logins. */
  readonly asked: Asked[] = [];
  logins = 0;
  /** How long (s) tokens say that they are good. */
  tokenSeconds = 86_400;
  /** Nobody is let in, whatever they show; logging in works. */
  unwelcome = false;
  /** What logging in answers instead of a token. */
  loginAnswer: (() => Response) | null = null;
  /** Calls under way now, and the most that were at once. */
  running = 0;
  mostRunning = 0;
  readonly #answers = new Map<string, Answer>();
  readonly #faults = new Map<string, Fault[]>();
  #tokens = new Set<string>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => this.#serve(request),
    );
    for (const [route, answer] of Object.entries(this.#shop())) this.on(route, answer);
  }

  /** A shop as it is set up, without a product. */
  #shop(): Record<string, Record<string, unknown>> {
    const channel = { id: "sc_1", name: "Nostr" };
    const eur = { currency_code: "eur", is_default: true };
    const service_zone = {
      geo_zones: [{ type: "country", country_code: "de" }],
      fulfillment_set: { location: { id: "sloc_1" } },
    };
    return {
      "GET /admin/stores": { stores: [{ id: "store_1", name: "Shop", supported_currencies: [eur] }] },
      "GET /admin/api-keys": { api_keys: [{ id: "apk_1", token: this.storeKey, sales_channels: [channel] }] },
      "GET /admin/sales-channels": { sales_channels: [{ ...channel, stock_locations: [{ id: "sloc_1" }] }] },
      "GET /admin/regions": {
        regions: [{
          id: "reg_1",
          name: "Europe",
          currency_code: "eur",
          automatic_taxes: true,
          countries: [{ iso_2: "de", display_name: "Germany" }],
        }],
      },
      "GET /admin/shipping-options": {
        shipping_options: [{ id: "so_1", name: "Standard", price_type: "flat", service_zone }],
      },
      "GET /admin/tax-regions": { tax_regions: [] },
      "GET /admin/price-preferences": { price_preferences: [] },
      "POST /store/carts": { cart: { id: "cart_1" } },
      "GET /store/shipping-options": { shipping_options: [{ id: "so_1", amount: 5 }] },
      "POST /store/carts/*/shipping-methods": { cart: { shipping_subtotal: 5, shipping_total: 5 } },
      "GET /admin/products": { products: [] },
      "GET /store/products": { products: [] },
    };
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** From now on `route` is answered so. */
  on(route: string, answer: Answer): void {
    this.#answers.set(route, answer);
  }

  /** The next calls of `route` (`*`: of any) go wrong, one after the other. */
  fail(route: string, ...faults: Fault[]): void {
    this.#faults.set(route, [...this.#faults.get(route) ?? [], ...faults]);
  }

  /** Whoever is logged in isn't any more. */
  logOut(): void {
    this.#tokens = new Set();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    try {
      const { pathname: path, searchParams: query } = new URL(request.url);
      const text = await request.text();
      const asked: Asked = {
        method: request.method,
        path,
        query,
        body: text === "" ? undefined : JSON.parse(text),
        authorization: request.headers.get("authorization"),
        storeKey: request.headers.get("x-publishable-api-key"),
      };
      if (path === "/auth/user/emailpass") return await this.#withFaults(asked, () => this.#logIn(asked));
      this.asked.push(asked);
      return await this.#withFaults(asked, () => this.#answer(asked));
    } finally {
      this.running--;
    }
  }

  async #withFaults(asked: Asked, answer: () => Response): Promise<Response> {
    const route = `${asked.method} ${asked.path}`;
    const fault = [...this.#faults].find(([pattern, faults]) => faults.length > 0 && matches(pattern, route))
      ?.[1]
      .shift();
    if (fault === "html") return html();
    if (typeof fault === "number") return refusal(fault, "unknown_error", "An unknown error occurred.");
    await fault;
    const answered = answer();
    return fault === "lost" ? broken() : answered;
  }

  #logIn({ body }: Asked): Response {
    this.logins++;
    if (this.loginAnswer !== null) return this.loginAnswer();
    const { email, password } = body as { email: string; password: string };
    if (email !== this.email || password !== this.password) {
      return refusal(401, "unauthorized", "Invalid email or password");
    }
    const iat = 1_700_000_000;
    const claims = { actor_id: "user_1", iat, exp: iat + this.tokenSeconds, n: this.logins };
    const token = ["{}", JSON.stringify(claims), "sig"].map(base64url).join(".");
    this.#tokens.add(token);
    return Response.json({ token });
  }

  #answer(asked: Asked): Response {
    if (!this.#mayAsk(asked)) return Response.json({ message: "Unauthorized" }, { status: 401 });
    if (asked.path.startsWith("/store/") && asked.storeKey !== this.storeKey) {
      return refusal(400, "not_allowed", "A valid publishable key is required to proceed with the request");
    }
    const route = `${asked.method} ${asked.path}`;
    const answer = [...this.#answers].findLast(([pattern]) => matches(pattern, route))?.[1];
    if (answer === undefined) return html();
    const said = typeof answer === "function" ? answer(asked) : answer;
    return said instanceof Response ? said.clone() : Response.json(said);
  }

  #mayAsk({ path, authorization }: Asked): boolean {
    if (!path.startsWith("/admin/")) return true;
    if (this.unwelcome || authorization === null) return false;
    return authorization === `Basic ${btoa(`${this.key}:`)}` ||
      this.#tokens.has(authorization.replace("Bearer ", ""));
  }
}

/** A refusal as Medusa words it. */
export function refusal(status: number, type: string, message: string): Response {
  return Response.json({ type, message, code: type }, { status });
}

function matches(pattern: string, route: string): boolean {
  if (pattern === "*") return true;
  const [wanted, given] = [pattern.split("/"), route.split("/")];
  return wanted.length === given.length && wanted.every((part, i) => part === "*" || part === given[i]);
}

function html(): Response {
  const page = "<!DOCTYPE html><html><body><pre>Cannot GET /</pre></body></html>";
  return new Response(page, { status: 404, headers: { "content-type": "text/html" } });
}

/** An answer that ends before it is whole. */
function broken(): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("{"));
      controller.close();
    },
  });
  return new Response(body, { headers: { "content-type": "application/json", "content-length": "100" } });
}

function base64url(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}
