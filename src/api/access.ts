import type { Context, MiddlewareHandler } from "@hono/hono";
import type { Database } from "../db/database.ts";
import type { ApiEnv } from "./context.ts";
import { type Owned, ownerOf } from "./owned_rows_store.ts";
import { Problem, unauthenticated } from "./problem.ts";
import type { Scope } from "./scopes.ts";

/**
 * What an operation touches, and so what holds for who is bound to one merchant:
 * `operator` – things of the whole installation: refused;
 * `named` – the merchant that the query or the body names: it is theirs, named or not;
 * `merchant` – the one that the path names: any other isn't there;
 * a kind of row – the row that the path names by our own id: another merchant's isn't there;
 * `handler` – the handler itself asks `visible()`.
 */
export type Reach = "operator" | "named" | "merchant" | "handler" | Owned;

/** Whose invoices a token makes and reads, and the token itself: its caps hold. */
export interface TillAccess {
  till: string;
  token: string;
}

/** What who asks may do, and to whom. */
export class Access {
  readonly #database: Database;
  readonly #scopes: ReadonlySet<string> | null;

  constructor(
    database: Database,
    /** As the audit and idempotency know them. */
    readonly actor: string,
    /** Null: all. */
    scopes: ReadonlySet<string> | null,
    /** The only one that is seen; null: all of them. */
    readonly merchant: string | null,
    /** Null: who asks has no till of their own. */
    readonly till: TillAccess | null = null,
  ) {
    this.#database = database;
    this.#scopes = scopes;
  }

  /** Whether this scope was given. The operator's holds all others. */
  has(scope: Scope): boolean {
    return this.#scopes === null || this.#scopes.has("operator") || this.#scopes.has(scope);
  }

  /** Whether things of this merchant are there for who asks. */
  sees(merchant: string): boolean {
    return this.merchant === null || this.merchant === merchant;
  }

  /** What is seen of a row with a merchant: itself, or nothing. */
  visible<T extends { merchant: string }>(row: T | null | undefined): T | null {
    return row && this.sees(row.merchant) ? row : null;
  }

  /** Whether the row may be spoken of. Throws the 404 that a row gets that doesn't exist. */
  async mustSee(kind: Owned, id: string): Promise<void> {
    if (this.merchant === null) return;
    if (await ownerOf(this.#database.kysely, kind, id) === this.merchant) return;
    throw new Problem(404, "not_found", `There is no ${kind} ${id}.`);
  }

  /** Throws the 404 that a merchant gets who isn't served. */
  mustBe(merchant: string, pointer?: string): void {
    if (this.sees(merchant)) return;
    const detail = `No merchant ${merchant} is served here.`;
    throw new Problem(404, "not_found", detail, pointer === undefined ? [] : [{ pointer, detail }]);
  }
}

/** Stands before every operation: lets in who has its scope, to what is theirs. */
export function gate(scope: Scope, reach: Reach): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    // Nobody was asked who they are: the operation stands outside the guards, and stays shut.
    const access = c.get("access") as Access | undefined;
    if (access === undefined) throw unauthenticated("Show who you are.");
    if (!access.has(scope)) {
      throw new Problem(403, "scope_missing", `This token lacks the scope \`${scope}\`.`);
    }
    if (access.merchant !== null) await confine(access, reach, c);
    await next();
  };
}

async function confine(access: Access, reach: Reach, c: Context<ApiEnv>): Promise<void> {
  switch (reach) {
    case "operator":
      throw new Problem(403, "bound_to_merchant", "This token is one merchant's; this is the operator's.");
    case "merchant":
      return access.mustBe(c.req.param("pubkey") ?? "");
    case "named":
    case "handler":
      return;
    default:
      return await access.mustSee(reach, c.req.param("id") ?? "");
  }
}

/**
 * What a request says of merchants, after its form was checked and before its handler sees it: who is bound to one names no
 * other, nor another's order, and asks for their own where they name none.
 */
export async function confineInput(
  access: Access | undefined,
  target: string,
  input: Record<string, unknown>,
): Promise<void> {
  if (!access || access.merchant === null || (target !== "query" && target !== "json")) return;
  if (typeof input.merchant === "string") access.mustBe(input.merchant, "/merchant");
  if (target === "query") input.merchant = access.merchant;
  if (target === "json" && typeof input.order_id === "string") await access.mustSee("order", input.order_id);
}
