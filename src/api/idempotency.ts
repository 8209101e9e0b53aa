import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "@hono/hono";
import type { ApiEnv, ApiParts } from "./context.ts";
import { claim, freeKey, type IdempotencyRow, keepAnswer, takeOver } from "./idempotency_store.ts";
import { Problem } from "./problem.ts";

const LONGEST_KEY = 255;
/**
 * No request takes this long: one that is still `running` then belongs to a process that died. Its key is free again,
 * and a repeat is carried out. What that process had committed already stands, so a repeat may find it there.
 */
const ABANDONED_MS = 120_000;
/** What answers are sealed for: they show orders and messages, which stand in no other table. */
const CONTEXT = "idempotency";
/** Set by a handler whose answer must not be stored. */
export const SECRET_HEADER = "x-ncc-secret-answer";

/**
 * `Idempotency-Key` on every POST, per actor, method and path: the same body gets the same answer, refusals included;
 * another body 422; a request that is still running 409. A fault of ours (5xx), and an answer that says to ask again
 * (`Retry-After`), are not kept: the key can be used again. An answer with a secret isn't stored, so its repeat gets 409.
 */
export function idempotent(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const given = c.req.header("idempotency-key");
    if (c.req.method !== "POST" || given === undefined) return await next();
    if (given.length === 0 || given.length > LONGEST_KEY) {
      const detail = `Idempotency-Key must have 1 to ${LONGEST_KEY} characters.`;
      throw new Problem(422, "invalid", detail, [{ pointer: "/idempotency-key", detail }]);
    }
    const { database, clock } = parts;
    const url = new URL(c.req.url);
    const key = { actor: c.get("actor"), method: c.req.method, path: url.pathname + url.search, key: given };
    const body_hash = createHash("sha256").update(new Uint8Array(await c.req.arrayBuffer())).digest("hex");
    const request = { ...key, body_hash, created_at: clock.now() };
    const before = await database.transaction(async (tx) => {
      const row = await claim(tx, request);
      const ours = row?.state === "running" && row.body_hash === body_hash &&
        row.created_at <= request.created_at - ABANDONED_MS && await takeOver(tx, row, request.created_at);
      return ours ? null : row;
    });
    if (before) {
      c.res = repeat(before, body_hash, parts.secrets);
      return;
    }
    await next();
    const { status } = c.res;
    if (status >= 500 || c.res.headers.has("retry-after")) {
      return await database.transaction((tx) => freeKey(tx, key));
    }
    const secret = c.res.headers.has(SECRET_HEADER);
    c.res.headers.delete(SECRET_HEADER);
    const body = parts.secrets.seal(await c.res.clone().text(), CONTEXT);
    await database.transaction((tx) => keepAnswer(tx, key, { status, body, secret }));
  };
}

function repeat(row: IdempotencyRow, bodyHash: string, secrets: ApiParts["secrets"]): Response {
  if (row.body_hash !== bodyHash) {
    throw new Problem(
      422,
      "idempotency_key_reused",
      "This Idempotency-Key was used with another body. Use a new one.",
    );
  }
  if (row.state === "running") {
    throw new Problem(
      409,
      "still_running",
      "The first request with this Idempotency-Key is still running. Try again in a moment.",
      [],
      { "retry-after": "1" },
    );
  }
  if (row.state === "secret") {
    throw new Problem(
      409,
      "answer_not_kept",
      "The first answer carried a secret, or a customer's data that was taken out: it wasn't kept. Use a new Idempotency-Key.",
    );
  }
  const type = row.status! < 400 ? "application/json" : "application/problem+json";
  // One of a version before answers were sealed stands as it was.
  const body = row.body!.startsWith("v1.") ? secrets.open(row.body!, CONTEXT) : row.body;
  return new Response(body, {
    status: row.status!,
    headers: { "content-type": type, "idempotent-replay": "true" },
  });
}
