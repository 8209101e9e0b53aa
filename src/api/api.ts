import { bodyLimit } from "@hono/hono/body-limit";
import { secureHeaders } from "@hono/hono/secure-headers";
import type { OpenAPIHono } from "@hono/zod-openapi";
import meta from "../../deno.json" with { type: "json" };
import { errorText } from "../log.ts";
import { auditTrail } from "./audit.ts";
import { authenticate, showsToken } from "./auth.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { idempotent } from "./idempotency.ts";
import { newApi } from "./new_api.ts";
import { Problem, problemResponse } from "./problem.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { merchantRoutes } from "./routes/merchants.ts";
import { messageRoutes } from "./routes/messages.ts";
import { orderRoutes } from "./routes/orders.ts";
import { paymentRoutes } from "./routes/payments.ts";
import { productRoutes } from "./routes/products.ts";
import { relayRoutes } from "./routes/relays.ts";
import { stallRoutes } from "./routes/stalls.ts";

const MAX_BODY_BYTES = 1_000_000;

/** Everything that is served over HTTP: the REST API, health, metrics, and the relay. */
export function createApi(parts: ApiParts): OpenAPIHono<ApiEnv> {
  const app = newApi();
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(c, error);
    // Hono's own refusals: a body that isn't JSON, or one that is too large.
    if ("status" in error && typeof error.status === "number" && error.status < 500) {
      return problemResponse(c, new Problem(error.status as 400, "bad_request", error.message));
    }
    parts.log.error("api.fault", {
      request_id: c.get("requestId"),
      path: c.req.path,
      error: errorText(error),
    });
    return problemResponse(
      c,
      new Problem(500, "internal", "Something went wrong here. The log has the request's id."),
    );
  });
  app.notFound((c) =>
    problemResponse(c, new Problem(404, "not_found", `There is no ${c.req.method} ${c.req.path}.`))
  );

  app.use(async (c, next) => {
    c.set("requestId", parts.random.uuid());
    await next();
    // An upgraded connection's answer can't be touched.
    if (c.res.status !== 101) c.res.headers.set("x-request-id", c.get("requestId"));
  });
  app.use(async (c, next) => {
    // A page of another site must not reach us under its own name (DNS rebinding).
    const host = new URL(c.req.url).hostname;
    if (!parts.hosts().has(host)) {
      throw new Problem(421, "wrong_host", `This server isn't ${host}. Its name is set by NCC_PUBLIC_URL.`);
    }
    await next();
  });
  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } }));

  app.get("/healthz", (c) => c.json({ name: "ncc", version: meta.version, ok: true }));
  app.get("/readyz", async (c) => {
    const health = await parts.health();
    const detailed = showsToken(parts, c.req.header("authorization"));
    const checks = Object.fromEntries(
      Object.entries(health.checks).map(([name, check]) => [name, detailed ? check : { ok: check.ok }]),
    );
    const strict = c.req.query("strict") !== undefined;
    return c.json({ ...health, checks }, health.ready && !(strict && health.degraded) ? 200 : 503);
  });
  app.get(
    "/metrics",
    authenticate(parts),
    async (c) =>
      c.text(await parts.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );

  app.use(
    "/api/v1/*",
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new Problem(413, "too_large", `A body may have at most ${MAX_BODY_BYTES} bytes.`);
      },
    }),
  );
  app.use("/api/v1/*", authenticate(parts));
  app.use("/api/v1/*", auditTrail(parts));
  app.use("/api/v1/*", idempotent(parts));
  for (
    const routes of [
      merchantRoutes,
      stallRoutes,
      productRoutes,
      orderRoutes,
      paymentRoutes,
      messageRoutes,
      relayRoutes,
      jobRoutes,
    ]
  ) {
    app.route("/api/v1", routes(parts));
  }
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  app.openAPIRegistry.registerComponent("securitySchemes", "nip98", {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "NIP-98: `Nostr <base64 of the event>`, signed by an owner",
  });
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "ncc",
      version: meta.version,
      description: "Nostr Commerce Coordinator: the merchant's side",
    },
    security: [{ bearer: [] }, { nip98: [] }],
  });
  return app;
}
