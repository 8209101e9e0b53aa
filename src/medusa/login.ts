import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { Deadline, unlessAborted } from "../nostr/deadline.ts";
import type { HttpClient } from "../web/http_client.ts";
import { MedusaError, medusaError, refusalOf, unreadable } from "./medusa_error.ts";

/** As whom Medusa is asked: a user, with a secret API key, or both: then the key is there for when the user isn't taken. */
export interface LoginOptions {
  http: HttpClient;
  user: { email: string; password: string } | null;
  key: string | null;
  clock: Clock;
  log: Log;
}

const PATH = "auth/user/emailpass";
const ROUTE = "POST /auth/user/emailpass";
const ANSWER_MS = 15_000;
/** So long before its end a token isn't used any more; of a short one, a tenth of its time. */
const SPARE_MS = 300_000;
/** A token that doesn't say how long it is good. */
const UNKNOWN_MS = 3_600_000;
/** For so long the key is used where the user isn't taken; then the user is tried again. */
const KEY_MS = 600_000;

const answer = z.object({
  token: z.string().min(1),
  mfa_required: z.boolean().optional(),
  verification_required: z.boolean().optional(),
});
const times = z.object({ iat: z.number().optional(), exp: z.number() });

interface Pass {
  header: string;
  /** By the even clock. */
  until: number;
}

/** Keeps us logged in: a key, which Medusa hashes, costs it 40 ms with every call, a token nothing to speak of. However many wait, one logs in. */
export class Login {
  readonly #o: LoginOptions;
  readonly #closed = new AbortController();
  #pass: Pass | null = null;
  #logging: Promise<Pass> | null = null;

  constructor(o: LoginOptions) {
    this.#o = o;
  }

  /** The value of `Authorization`. Throws a MedusaError that never means that something may have happened. */
  async header(signal: AbortSignal): Promise<string> {
    const { user, clock } = this.#o;
    if (this.#pass !== null && clock.monotonic() < this.#pass.until) return this.#pass.header;
    if (user === null) return this.#withKey(Infinity).header;
    this.#logging ??= this.#logIn(user).finally(() => this.#logging = null);
    try {
      return (await unlessAborted(this.#logging, signal)).header;
    } catch (error) {
      if (error instanceof MedusaError || !signal.aborted) throw error;
      throw new MedusaError("unreachable", "Medusa wasn't asked: there was no time left after logging in");
    }
  }

  /** Medusa doesn't take it any more. True when there may be another one. */
  forget(header: string): boolean {
    if (this.#pass?.header === header) this.#pass = null;
    return this.#o.user !== null;
  }

  close(): void {
    this.#closed.abort(new MedusaError("unreachable", "the program stops"));
  }

  async #logIn({ email, password }: { email: string; password: string }): Promise<Pass> {
    const { http, key, clock, log } = this.#o;
    using deadline = new Deadline(clock, ANSWER_MS, this.#closed.signal);
    try {
      const { status, body } = await http.ask("POST", PATH, { json: { email, password } }, deadline.signal);
      const token = tokenOf(status, body);
      log.debug("medusa.logged_in");
      return this.#pass = { header: `Bearer ${token}`, until: clock.monotonic() + lifetime(token) };
    } catch (error) {
      const fault = loginFault(medusaError(ROUTE, error));
      if (fault.kind !== "unauthorized" || key === null) throw fault;
      log.warn("medusa.user_refused", { error: fault.message, instead: "the key" });
      return this.#pass = this.#withKey(clock.monotonic() + KEY_MS);
    }
  }

  #withKey(until: number): Pass {
    return { header: `Basic ${btoa(`${this.#o.key ?? ""}:`)}`, until };
  }
}

function tokenOf(status: number, body: unknown): string {
  const refused = refusalOf(ROUTE, status, body);
  if (refused !== null) throw refused;
  const read = answer.safeParse(body);
  if (!read.success) throw unreadable(ROUTE, status, read.error);
  const { token, mfa_required: second, verification_required: unverified } = read.data;
  if (second || unverified) {
    const wants = second ? "a second factor" : "a verified e-mail address";
    throw new MedusaError("unauthorized", `Medusa wants ${wants} of that user: give one without, or a key`);
  }
  return token;
}

/** How long (ms) a token is used: what it says of its time is by Medusa's clock, so only the length of it counts. */
function lifetime(token: string): number {
  const read = times.safeParse(claimsOf(token));
  if (!read.success) return UNKNOWN_MS;
  const { iat, exp } = read.data;
  const ms = (exp - (iat ?? exp - UNKNOWN_MS / 1000)) * 1000;
  return Math.max(0, ms - Math.min(SPARE_MS, ms / 10));
}

function claimsOf(token: string): unknown {
  const [, claims = ""] = token.split(".");
  try {
    const bytes = Uint8Array.fromBase64(claims, { alphabet: "base64url" });
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Without a login nothing else was sent, and nothing else was refused. */
function loginFault(error: unknown): MedusaError {
  if (!(error instanceof MedusaError)) throw error;
  const { kind, message, status } = error;
  if (status === 401) {
    return new MedusaError("unauthorized", "Medusa doesn't take the e-mail and the password", { status });
  }
  if (kind === "refused" || kind === "not_found") return new MedusaError("unauthorized", message, { status });
  return kind === "busy" || kind === "unauthorized"
    ? error
    : new MedusaError("unreachable", message, { status });
}
