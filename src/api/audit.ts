import type { MiddlewareHandler } from "@hono/hono";
import type { ApiEnv, ApiParts } from "./context.ts";
import { addAudit } from "./audit_store.ts";

/** Keeps who changed what: every request that isn't a look. */
export function auditTrail(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    if (c.req.method === "GET" || c.req.method === "HEAD") return;
    const row = {
      at: parts.clock.now(),
      actor: c.get("actor"),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      request_id: c.get("requestId"),
    };
    await parts.database.transaction((tx) => addAudit(tx, row));
  };
}
