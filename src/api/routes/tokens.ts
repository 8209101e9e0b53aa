import { z } from "@hono/zod-openapi";
import type { Access } from "../access.ts";
import type { ApiParts } from "../context.ts";
import { SECRET_HEADER } from "../idempotency.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
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

const tokenSchema = z.object({
  id: z.string(),
  name: z.string(),
  merchant: hexKey.nullable().openapi({ description: "the only one that it sees; null: all" }),
  scopes: z.array(z.enum(scopes)),
  created_at: time,
  last_used_at: time.nullable().openapi({ description: "to the minute" }),
  expires_at: time.nullable(),
}).openapi("Token");

const newToken = z.strictObject({
  name: z.string().trim().min(1).max(200).openapi({ description: "what it is for" }),
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
  merchant: hexKey.optional().openapi({ description: "the only one that it sees; without it, all" }),
  expires_at: time.optional(),
});

const tag = "tokens";

/** Tokens for this API. Nobody gives or takes what they haven't themselves. */
export function tokenRoutes({ database, clock, random, merchants }: ApiParts) {
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
      answer: tokenSchema.extend({ token: z.string().openapi({ description: "keep it: it isn't stored" }) }),
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
      };
      await database.transaction((tx) => addToken(tx, row));
      c.header(SECRET_HEADER, "1");
      return c.json({ ...shape(row), token }, 201);
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
  };
}
