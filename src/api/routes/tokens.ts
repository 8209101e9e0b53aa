import { z } from "@hono/zod-openapi";
import type { Access } from "../access.ts";
import type { ApiParts } from "../context.ts";
import { SECRET_HEADER } from "../idempotency.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { callSecret } from "../../till/signature.ts";
import { AddressGuard } from "../../web/address_guard.ts";
import { isScope, scopes } from "../scopes.ts";
import { makeToken } from "../tokens.ts";
import { addToken, findToken, listTokens, revokeToken, type TokenRow } from "../tokens_store.ts";
import {
  hexKey,
  idParam,
  json,
  notFound,
  operation,
  rfc3339,
  rfc3339OrNull,
  time,
  wrongField,
} from "./describe.ts";

const tillSchema = z.object({
  till: z.string().openapi({ description: "whose invoices: this token's, or those of the one it replaces" }),
  max_sat: z.int().nullable(),
  max_open: z.int().nullable(),
  notify_url: z.string().nullable(),
});

/** What a token of the scope `invoices` may ask for, unless whoever makes it says otherwise. */
const USUAL = { max_sat: 1_000_000, max_open: 100 };

const newTill = z.strictObject({
  max_sat: z.int().min(1).max(100_000_000).default(USUAL.max_sat).openapi({
    description: "the most that one invoice may come to",
  }),
  max_open: z.int().min(1).max(100_000).default(USUAL.max_open).openapi({
    description: "how many unpaid invoices there may be at once",
  }),
  notify_url: z.string().max(2_000).optional().openapi({
    description: "called when the state of an invoice changes, signed as Standard Webhooks say. " +
      "Of your own network, and without https, only by the operator",
  }),
  replaces: z.string().max(100).optional().openapi({
    description: "a token, revoked or not, whose invoices this one goes on with",
  }),
});

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  merchant: hexKey.nullable().openapi({ description: "the only one that it sees; null: all" }),
  scopes: z.array(z.enum(scopes)),
  created_at: time,
  last_used_at: time.nullable().openapi({ description: "to the minute" }),
  expires_at: time.nullable(),
  invoices: tillSchema.nullable().openapi({ description: "of the scope `invoices`" }),
}).openapi("Token");

const newToken = z.strictObject({
  name: z.string().trim().min(1).max(200).openapi({ description: "what it is for" }),
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
  merchant: hexKey.optional().openapi({ description: "the only one that it sees; without it, all" }),
  expires_at: time.optional(),
  invoices: newTill.optional().openapi({ description: "of the scope `invoices`: what it may ask for" }),
});

const tag = "tokens";

/** Tokens for this API. Nobody gives or takes what they haven't themselves. */
export function tokenRoutes({ database, clock, random, merchants, secrets }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/tokens",
    id: "listTokens",
    summary: "Tokens that weren't revoked, newest first",
    tag,
    scope: "tokens:read",
    reach: "named",
    filter: {},
    item: tokenSchema,
    name: "Tokens",
    key: ["int", "text"],
    read: (filter, slice) => listTokens(database.kysely, filter, slice),
    place: ({ created_at, id }) => [created_at, id],
    show: (rows) => rows.map(shape),
  });
  api.openapi(
    operation({
      method: "post",
      path: "/tokens",
      id: "createToken",
      summary: "Make a token. It is shown this once",
      tag,
      scope: "tokens:write",
      reach: "named",
      request: json(newToken),
      answer: tokenSchema.extend({
        token: z.string().openapi({ description: "keep it: it isn't stored" }),
        notify_secret: z.string().nullable().openapi({
          description: "what calls to `notify_url` are signed with: shown this once, too",
        }),
      }),
      status: 201,
    }),
    async (c) => {
      const access = c.get("access");
      const input = c.req.valid("json");
      const merchant = input.merchant ?? access.merchant;
      if (merchant !== null && !merchants.get(merchant)) {
        throw wrongField("/merchant", `No merchant ${merchant} is served here.`);
      }
      if (merchant !== null && input.scopes.includes("operator")) {
        throw wrongField("/scopes", "The operator's scope is of all merchants. Leave `merchant` out.");
      }
      mustHave(access, input.scopes);
      const now = clock.now();
      const expires_at = input.expires_at === undefined ? null : Date.parse(input.expires_at);
      if (expires_at !== null && expires_at <= now) throw wrongField("/expires_at", "This time is over.");
      const { id, token, hash } = makeToken(random);
      const till = await tillOf(access, { ...input, id, merchant });
      const row = {
        id,
        merchant,
        hash,
        name: input.name,
        scopes: JSON.stringify([...new Set(input.scopes)]),
        created_at: now,
        last_used_at: null,
        expires_at,
        revoked_at: null,
        ...till,
      };
      await database.transaction((tx) => addToken(tx, row));
      c.header(SECRET_HEADER, "1");
      const notify_secret = row.notify_url === null ? null : callSecret(secrets, id);
      return c.json({ ...shape(row), token, notify_secret }, 201);
    },
  );
  api.openapi(
    operation({
      method: "delete",
      path: "/tokens/{id}",
      id: "revokeToken",
      summary: "Revoke a token: it opens nothing any more",
      tag,
      scope: "tokens:write",
      reach: "token",
      request: { params: idParam },
      answer: z.object({ id: z.string(), revoked: z.literal(true) }),
      status: 200,
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const row = await findToken(database.kysely, id);
      if (!row || row.revoked_at !== null) throw notFound("token", id);
      mustHave(c.get("access"), scopesOf(row));
      if (!await database.transaction((tx) => revokeToken(tx, id, clock.now()))) throw notFound("token", id);
      return c.json({ id, revoked: true as const }, 200);
    },
  );
  return api;

  /** What the row of a token says of its till. Throws a `Problem`. */
  async function tillOf(
    access: Access,
    o: Pick<z.infer<typeof newToken>, "scopes" | "invoices"> & { id: string; merchant: string | null },
  ): Promise<TillColumns> {
    const asked = o.invoices ?? { ...USUAL, notify_url: undefined, replaces: undefined };
    if (!o.scopes.includes("invoices")) {
      if (o.invoices !== undefined) throw wrongField("/invoices", "This is of the scope `invoices`.");
      return { till: null, max_msat: null, max_open: null, notify_url: null, notify_inside: 0 };
    }
    const inside = access.has("operator");
    if (asked.notify_url !== undefined) {
      const refusal = refusedUrl(asked.notify_url, inside);
      if (refusal !== null) throw wrongField("/invoices/notify_url", refusal);
    }
    return {
      till: asked.replaces === undefined ? o.id : await tillOfToken(access, asked.replaces, o.merchant),
      max_msat: asked.max_sat * 1000,
      max_open: asked.max_open,
      notify_url: asked.notify_url ?? null,
      notify_inside: inside ? 1 : 0,
    };
  }

  async function tillOfToken(access: Access, id: string, merchant: string | null): Promise<string> {
    const row = await findToken(database.kysely, id);
    if (!row || row.till === null || row.merchant !== merchant) {
      throw wrongField("/invoices/replaces", `There is no token ${id} of this merchant that makes invoices.`);
    }
    // Who may take its invoices over can see them as orders, and give their money back, anyway.
    mustHave(access, ["orders:read", "refunds:write"]);
    return row.till;
  }
}

type TillColumns = Pick<TokenRow, "till" | "max_msat" | "max_open" | "notify_url" | "notify_inside">;

/** Why a URL can't be called; null when it can. What only one merchant's people have named must be public. */
function refusedUrl(text: string, inside: boolean): string | null {
  if (!inside) {
    const refusal = new AddressGuard().refuse(text, "https:");
    return refusal && `It can't be called: ${refusal}.`;
  }
  const url = URL.parse(text);
  if (!url || !["http:", "https:"].includes(url.protocol)) return "must be a URL of http or https";
  return url.username !== "" || url.password !== "" ? "must have no user name and password" : null;
}

function mustHave(access: Access, wanted: z.infer<typeof newToken>["scopes"]): void {
  const lacking = wanted.filter((scope) => !access.has(scope));
  if (lacking.length === 0) return;
  throw new Problem(403, "scope_missing", `Your own token lacks ${lacking.join(", ")}.`);
}

function scopesOf(row: Pick<TokenRow, "scopes">) {
  return (JSON.parse(row.scopes) as unknown[]).filter(isScope);
}

function shape(row: TokenRow): z.infer<typeof tokenSchema> {
  return {
    id: row.id,
    name: row.name,
    merchant: row.merchant,
    scopes: scopesOf(row),
    created_at: rfc3339(row.created_at),
    last_used_at: rfc3339OrNull(row.last_used_at),
    expires_at: rfc3339OrNull(row.expires_at),
    invoices: row.till === null ? null : {
      till: row.till,
      max_sat: row.max_msat === null ? null : row.max_msat / 1000,
      max_open: row.max_open,
      notify_url: row.notify_url,
    },
  };
}
