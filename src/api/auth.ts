import { createHash } from "node:crypto";
import type { MiddlewareHandler } from "@hono/hono";
import { Access } from "./access.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { checkNip98, onlyTag, readNip98 } from "./nip98.ts";
import { Problem, unauthenticated } from "./problem.ts";
import { useOnce } from "./replays_store.ts";
import { accessOf, sameSecret } from "./tokens.ts";
import type { WrongTokens } from "./wrong_tokens.ts";

/**
 * Lets a request through that shows the admin token, a token of ours, or an owner's NIP-98 event; sets who acts and what
 * they may. A request without any is refused before its body is read; what a NIP-98 event says of the body is checked by
 * `authenticBody`, after it.
 */
export function authenticate(parts: ApiParts, wrong: WrongTokens): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { scheme, value } = credentials(c.req.header("authorization"));
    if (scheme === "bearer") {
      const access = await bearer(parts, wrong, value, c.env?.address);
      // Which part of it is wrong, or whether it is over, is nobody's business.
      if (access === null) throw unauthenticated("This token isn't valid here.");
      c.set("access", access);
    } else if (scheme === "nostr") {
      const event = readNip98(value);
      const refusal = checkNip98(event, {
        url: c.req.url,
        baseUrl: parts.baseUrl(),
        method: c.req.method,
        now: parts.clock.now(),
      });
      if (refusal !== null) throw unauthenticated(refusal);
      if (!parts.verifier.verify(event)) throw unauthenticated("NIP-98: the signature doesn't hold.");
      if (!parts.owners.has(event.pubkey)) {
        throw new Problem(403, "not_an_owner", "This key isn't one of NCC_OWNERS.");
      }
      c.set("nip98", event);
      c.set("access", new Access(parts.database, event.pubkey, null, null));
    } else throw unauthenticated("Send `Authorization: Bearer <token>`, or a NIP-98 event of an owner.");
    c.set("actor", c.get("access").actor);
    await next();
  };
}

/** NIP-98: the body must be the one that was signed for, and each event is good for one request. */
export function authenticBody(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const event = c.get("nip98");
    if (event !== undefined) {
      const body = new Uint8Array(await c.req.arrayBuffer());
      const payload = onlyTag(event, "payload")?.toLowerCase();
      if (body.length > 0 && payload !== createHash("sha256").update(body).digest("hex")) {
        throw unauthenticated("NIP-98: the `payload` tag must be the sha-256 of the body, in hex.");
      }
      // Kept until the event is too old to be accepted anyway.
      const expires = (event.created_at + 3 * 60) * 1000;
      if (!await parts.database.transaction((tx) => useOnce(tx, "nip98", event.id, expires))) {
        throw unauthenticated("NIP-98: this event was used before. Sign a new one for each request.");
      }
    }
    await next();
  };
}

/**
 * Whether a request without an obligation to authenticate shows a token all the same: it then sees details. They tell of
 * every merchant, so the token of one sees none.
 */
export async function seesDetails(
  parts: ApiParts,
  wrong: WrongTokens,
  request: { authorization: string | undefined; address: string | undefined },
): Promise<boolean> {
  const { scheme, value } = credentials(request.authorization);
  if (scheme !== "bearer") return false;
  return (await bearer(parts, wrong, value, request.address))?.merchant === null;
}

/** What a token opens; null when it opens nothing. Throws 429 for an address that guesses. */
async function bearer(
  parts: ApiParts,
  wrong: WrongTokens,
  token: string,
  address: string | undefined,
): Promise<Access | null> {
  wrong.check(address, token);
  const access = sameSecret(token, parts.adminToken)
    ? new Access(parts.database, "admin", null, null)
    : await accessOf(parts, token);
  if (access === null) wrong.wrong(address);
  else wrong.right(address, token);
  return access;
}

function credentials(header: string | undefined): { scheme: string; value: string } {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)\s*$/.exec(header ?? "") ?? [];
  return { scheme: scheme.toLowerCase(), value };
}
