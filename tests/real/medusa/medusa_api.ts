/** Who the tests are in Medusa's back office. */
export const ADMIN = { email: "admin@ncc.test", password: "supersecret" };

/** What Medusa says to what it doesn't do. */
export class MedusaRefusal extends Error {
  constructor(readonly status: number, readonly type: string | undefined, what: string, said: string) {
    super(`${what}: ${status} ${said.slice(0, 1_000)}`);
  }
}

/** Medusa's HTTP API as its own back office (`call`) and storefront (`store`) use it. Both throw a `MedusaRefusal`. */
export class MedusaApi {
  readonly url: string;
  /** The storefront's key; `store` needs it. */
  publishableKey = "";
  #token: string | null = null;

  constructor(url: string) {
    this.url = url;
  }

  /** A call to `/admin/…`. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    this.#token ??= await this.#logIn();
    return await this.ask(method, path, body, { authorization: `Bearer ${this.#token}` }) as T;
  }

  /** A call to `/store/…`. */
  async store<T>(method: string, path: string, body?: unknown): Promise<T> {
    return await this.ask(method, path, body, { "x-publishable-api-key": this.publishableKey }) as T;
  }

  /** A call with nothing but these headers. */
  async ask(method: string, path: string, body?: unknown, headers: HeadersInit = {}): Promise<unknown> {
    const all = new Headers(headers);
    if (body !== undefined) all.set("content-type", "application/json");
    const response = await fetch(this.url + path, {
      method,
      headers: all,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const type = response.headers.get("content-type")?.includes("json")
      ? (JSON.parse(text) as { type?: string }).type
      : undefined;
    throw new MedusaRefusal(response.status, type, `${method} ${path}`, text);
  }

  async #logIn(): Promise<string> {
    const { token } = await this.ask("POST", "/auth/user/emailpass", ADMIN) as { token: string };
    return token;
  }
}
