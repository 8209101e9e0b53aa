import { z } from "zod";
import { withoutSecrets } from "../redaction.ts";
import { HttpFault } from "../web/http_client.ts";

export type MedusaErrorKind =
  /** Nothing was sent. */
  | "unreachable"
  /** Medusa doesn't take the key, or the e-mail and the password, or not for this. Nothing happened. */
  | "unauthorized"
  /** What was asked for isn't there. Nothing happened. */
  | "not_found"
  /** Medusa says no, and why (400, 409, 422). Nothing happened. */
  | "refused"
  /** It was sent and no answer came, or a fault of Medusa's own: it may have happened. */
  | "no_answer"
  /** Too many requests, or a fault of its own where nothing was to be changed: later. */
  | "busy"
  /** Its answer isn't one that we know. With a status of success what was asked for has happened. */
  | "bad_answer";

const TEMPORARY: readonly MedusaErrorKind[] = ["unreachable", "no_answer", "busy"];

/** Why Medusa didn't do what it was asked. The message is for the merchant; it holds neither secrets nor customers' data. */
export class MedusaError extends Error {
  /** Medusa's own word for why (`not_allowed`, `duplicate`, …); null where it said none. */
  readonly type: string | null;
  /** The answer's; null without one. */
  readonly status: number | null;

  constructor(
    readonly kind: MedusaErrorKind,
    message: string,
    { type = null, status = null }: { type?: string | null; status?: number | null } = {},
  ) {
    super(withoutPeople(withoutSecrets(message)));
    this.name = "MedusaError";
    this.type = type;
    this.status = status;
  }

  /** Whether the same question may be answered another time. */
  get temporary(): boolean {
    return TEMPORARY.includes(this.kind);
  }

  /** Whether what was asked for may have happened all the same. */
  get mayHaveHappened(): boolean {
    return this.kind === "no_answer" || this.kind === "bad_answer";
  }
}

/** What Medusa answers when it says no. */
const refusal = z.object({ type: z.string().optional(), message: z.string().optional() });

/**
 * What an answer of 4xx means; null for one of success. `route` says what was asked. A page that isn't JSON is what servers say
 * that have no such route: no Medusa, or another version of it.
 */
export function refusalOf(route: string, status: number, body: unknown): MedusaError | null {
  if (status < 400) return null;
  const read = refusal.safeParse(body);
  if (!read.success) {
    return new MedusaError("bad_answer", `${route}: Medusa has no such thing to ask (HTTP ${status})`, {
      status,
    });
  }
  const { type = null, message } = read.data;
  const kind = status === 404 ? "not_found" : "refused";
  return new MedusaError(kind, `${route}: ${message ?? type ?? `HTTP ${status}`}`, { type, status });
}

/** A fault on the way as a MedusaError; any other error as it is. */
export function medusaError(route: string, error: unknown): unknown {
  if (!(error instanceof HttpFault)) return error;
  return new MedusaError(error.kind, `${route}: ${error.message}`, { status: error.status });
}

/** An answer of success that can't be read: where, and what was expected there. Values aren't told. */
export function unreadable(route: string, status: number, { issues: [issue] }: z.ZodError): MedusaError {
  const where = issue === undefined || issue.path.length === 0 ? "its answer" : issue.path.join(".");
  return new MedusaError("bad_answer", `${route}: ${where}: ${issue?.message ?? "not understood"}`, {
    status,
  });
}

/**
 * A method and a path for people and for counting, without what names one thing of many: Medusa's ids begin with their kind and
 * an underscore, which no word of its paths has.
 */
export function routeOf(method: string, path: string): string {
  const words = path.replace(/\?.*$/, "").split("/").map((word) => word.includes("_") ? "…" : word);
  return `${method} ${words.join("/")}`;
}

const LONGEST = 300;

/** Medusa quotes e-mail addresses. */
function withoutPeople(text: string): string {
  const told = text.replace(/[^\s"'<>(),;:]+@[^\s"'<>(),;]+/g, "…");
  return told.length > LONGEST ? `${told.slice(0, LONGEST)}…` : told;
}
