import type { MiddlewareHandler } from "@hono/hono";
import { secureHeaders } from "@hono/hono/secure-headers";
import { isLoopback } from "../settings.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { Problem } from "./problem.ts";

/** Every request has an id of ours; its answer and the log name it. */
export function requestId({ random }: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    c.set("requestId", random.uuid());
    await next();
    // An upgraded connection's answer can't be touched.
    if (c.res.status !== 101) c.res.headers.set("x-request-id", c.get("requestId"));
  };
}

/** A page of another site must not reach us under its own name (DNS rebinding). */
export function knownHost(parts: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const host = new URL(c.req.url).hostname;
    if (!parts.hosts().has(host) && !isLoopback(c.req.url)) {
      throw new Problem(421, "wrong_host", `This server isn't ${host}. Its name is set by NCC_PUBLIC_URL.`);
    }
    await next();
  };
}

/** Nothing here is to be framed, sniffed, run or kept by a browser. */
export function safeHeaders(): MiddlewareHandler<ApiEnv> {
  const secure = secureHeaders({
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    xFrameOptions: "DENY",
    // Whether a name is reached by TLS alone is for its proxy to say.
    strictTransportSecurity: false,
  });
  return async (c, next) => {
    if (c.req.header("upgrade")?.toLowerCase() === "websocket") return await next();
    let own: string | null = null;
    await secure(c, async () => {
      await next();
      own = c.res.headers.get("content-security-policy");
    });
    // A page for people names what it shows and runs.
    if (own !== null) c.res.headers.set("content-security-policy", own);
    if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  };
}
