import type { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { Deadline } from "../nostr/deadline.ts";
import { HttpClient, HttpFault, type HttpQuestion } from "../web/http_client.ts";
import { ClientRecord, type ClientStatus } from "./client_status.ts";
import { Gate, type Priority } from "./gate.ts";
import { Login } from "./login.ts";
import { MedusaError, medusaError, refusalOf, routeOf, unreadable } from "./medusa_error.ts";

/** More at once only makes each of them wait longer: Medusa works on one core. */
const MOST_CALLS = 2;
const ANSWER_MS = 15_000;
/** A page of products with all that belongs to them is long. */
const MOST_BYTES = 32 * 1024 * 1024;

type QueryValue = string | number | boolean | readonly (string | number)[] | undefined;

/** Where Medusa is, and as whom it is asked: as a user, with a secret API key, or both. */
export interface MedusaAccess {
  url: string;
  email?: string | undefined;
  password?: string | undefined;
  /** Used where there is no user, or while it isn't taken. */
  key?: string | undefined;
}

export interface MedusaQuestion<T> {
  /** What Medusa's answer has to be. */
  schema: z.ZodType<T>;
  /** Orders go before the catalogue. */
  priority: Priority;
  signal?: AbortSignal | undefined;
  /** A list stands there once for each of its values; undefined isn't sent. */
  query?: Record<string, QueryValue>;
  body?: unknown;
  /** It changes nothing, or may be done twice: a fault leaves nothing open. Default: GET is. */
  safe?: boolean;
  /** Asks the store API by this publishable key, and as nobody. */
  storeKey?: string | undefined;
  /** How long Medusa has for it, once it is its turn. Default: 15 s. */
  answerMs?: number;
}

export type Method = "GET" | "POST" | "DELETE";

/**
 * Asks one merchant's Medusa 2. However many ask, two calls are under way in this process, those for orders first. What goes
 * wrong is a MedusaError, whose kind says whether it may have happened.
 */
export class MedusaClient {
  readonly #clock: Clock;
  readonly #http: HttpClient;
  readonly #login: Login;
  readonly #gate = new Gate(MOST_CALLS);
  readonly #record: ClientRecord;
  readonly #closed = new AbortController();

  static create(access: MedusaAccess, { clock, log }: { clock: Clock; log: Log }): MedusaClient {
    return new MedusaClient(access, clock, log);
  }

  private constructor({ url, email, password, key }: MedusaAccess, clock: Clock, log: Log) {
    this.#clock = clock;
    this.#http = new HttpClient({ name: "Medusa", base: new URL(url), mostBytes: MOST_BYTES });
    const user = email === undefined || password === undefined ? null : { email, password };
    this.#login = new Login({ http: this.#http, user, key: key ?? null, clock, log });
    this.#record = new ClientRecord(clock);
  }

  get<T>(path: string, question: Omit<MedusaQuestion<T>, "body">): Promise<T> {
    return this.request({ method: "GET", path, ...question });
  }

  post<T>(path: string, question: MedusaQuestion<T>): Promise<T> {
    return this.request({ method: "POST", path, ...question });
  }

  delete<T>(path: string, question: MedusaQuestion<T>): Promise<T> {
    return this.request({ method: "DELETE", path, ...question });
  }

  /** Medusa's answer to one question; `path` as in Medusa's documentation: `/admin/orders/…`. */
  async request<T>(question: MedusaQuestion<T> & { method: Method; path: string }): Promise<T> {
    const { method, path } = question;
    const route = routeOf(method, path);
    const { priority, answerMs = ANSWER_MS, safe = method === "GET" } = question;
    const signal = question.signal
      ? AbortSignal.any([question.signal, this.#closed.signal])
      : this.#closed.signal;
    const asked = { query: queryOf(question.query), json: question.body, moves: !safe };
    try {
      return await this.#gate.run(priority, signal, async () => {
        using deadline = new Deadline(this.#clock, answerMs, signal);
        const began = this.#clock.monotonic();
        const ended = (error: MedusaError | null) =>
          this.#record.ended(route, this.#clock.monotonic() - began, error);
        try {
          const { status, body } = await this.#authorised(
            question,
            deadline.signal,
            (headers) =>
              this.#http.ask(method, path.replace(/^\//, ""), { ...asked, headers }, deadline.signal),
          );
          const refused = refusalOf(route, status, body);
          if (refused !== null) throw refused;
          const read = question.schema.safeParse(body);
          if (!read.success) throw unreadable(route, status, read.error);
          ended(null);
          return read.data;
        } catch (error) {
          const fault = medusaError(route, error);
          // Who gives up says nothing about Medusa.
          if (fault instanceof MedusaError && !signal.aborted) ended(fault);
          throw fault;
        }
      });
    } catch (error) {
      if (error instanceof MedusaError || error !== signal.reason) throw error;
      throw new MedusaError("unreachable", `${route}: it was given up before Medusa was asked`);
    }
  }

  /** How Medusa is. */
  status(): ClientStatus {
    return this.#record.status();
  }

  /** Ends what is under way, and what waits. */
  close(): void {
    this.#closed.abort(new Error("the program stops"));
    this.#login.close();
    this.#http.close();
  }

  /** Asks as somebody; once more, newly logged in, when Medusa doesn't know us any more. */
  async #authorised<A>(
    { storeKey }: { storeKey?: string | undefined },
    signal: AbortSignal,
    ask: (headers: Record<string, string>) => Promise<A>,
  ): Promise<A> {
    if (storeKey !== undefined) return await ask({ "x-publishable-api-key": storeKey });
    const authorization = await this.#login.header(signal);
    try {
      return await ask({ authorization });
    } catch (error) {
      const unknown = error instanceof HttpFault && error.status === 401;
      if (!unknown || !this.#login.forget(authorization)) throw error;
      return await ask({ authorization: await this.#login.header(signal) });
    }
  }
}

function queryOf(query: Record<string, QueryValue> = {}): NonNullable<HttpQuestion["query"]> {
  return Object.fromEntries(
    Object.entries(query).flatMap(([key, value]) => {
      if (value === undefined) return [];
      return [[key, typeof value === "object" ? value.map(String) : String(value)]];
    }),
  );
}
