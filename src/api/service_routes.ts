import type { MiddlewareHandler } from "@hono/hono";
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import meta from "../../deno.json" with { type: "json" };
import { gate } from "./access.ts";
import { seesDetails } from "./auth.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { openApiDocument } from "./document.ts";
import { problemSchema } from "./problem.ts";
import type { WrongTokens } from "./wrong_tokens.ts";

const json = <T extends z.ZodType>(schema: T) => ({ content: { "application/json": { schema } } });
const problem = { content: { "application/problem+json": { schema: problemSchema } } };
const open = { security: [], tags: ["service"] };

const readySchema = z.object({
  ready: z.boolean(),
  degraded: z.boolean(),
  checks: z.record(
    z.string(),
    z.object({
      ok: z.boolean(),
      detail: z.string().optional().openapi({ description: "shown to who has a token of all merchants" }),
    }),
  ),
}).openapi("Readiness");

/** What isn't the merchant's REST API: the relay, health, metrics and the description of it all. */
export function serviceRoutes(
  app: OpenAPIHono<ApiEnv>,
  parts: ApiParts,
  { guards, wrong }: { guards: MiddlewareHandler<ApiEnv>[]; wrong: WrongTokens },
): void {
  // It answers every method by itself.
  app.all("/relay", (c) => parts.relay.handle(c.req.raw, c.env?.address ?? ""));
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/relay",
    operationId: "relay",
    summary: "The built-in Nostr relay: a WebSocket, or its information document (NIP-11)",
    ...open,
    responses: {
      101: { description: "the WebSocket is open" },
      200: {
        description: "with `Accept: application/nostr+json`: NIP-11",
        content: { "application/nostr+json": { schema: z.looseObject({}) } },
      },
      429: { description: "too many connections" },
    },
  });
  app.openapi(
    createRoute({
      method: "get",
      path: "/healthz",
      operationId: "health",
      summary: "Whether the process is alive",
      ...open,
      responses: {
        200: {
          description: "alive",
          ...json(z.object({ name: z.literal("ncc"), version: z.string(), ok: z.literal(true) })),
        },
      },
    }),
    (c) => c.json({ name: "ncc" as const, version: meta.version, ok: true as const }, 200),
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/readyz",
      operationId: "readiness",
      summary: "Whether orders are taken, and what is degraded",
      ...open,
      request: {
        query: z.object({
          strict: z.string().optional().openapi({ description: "degraded counts as not ready" }),
        }),
      },
      responses: {
        200: { description: "ready", ...json(readySchema) },
        503: { description: "not ready", ...json(readySchema) },
      },
    }),
    async (c) => {
      const health = await parts.health();
      const detailed = await seesDetails(parts, wrong, {
        authorization: c.req.header("authorization"),
        address: c.env?.address,
      });
      const checks = Object.fromEntries(
        Object.entries(health.checks).map(([name, check]) => [name, detailed ? check : { ok: check.ok }]),
      );
      const strict = c.req.valid("query").strict !== undefined;
      return c.json({ ...health, checks }, health.ready && !(strict && health.degraded) ? 200 : 503);
    },
  );
  app.openapi(
    createRoute({
      method: "get",
      path: "/metrics",
      operationId: "metrics",
      summary: "Figures for Prometheus",
      tags: ["service"],
      security: [{ bearer: ["metrics:read"] }, { nip98: ["metrics:read"] }],
      middleware: [...guards, gate("metrics:read", "operator")],
      responses: {
        200: { description: "figures", content: { "text/plain": { schema: z.string() } } },
        401: { description: "not authenticated", ...problem },
        403: { description: "not an owner's key, or a token without the scope", ...problem },
      },
    }),
    async (c) =>
      c.text(await parts.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  let document: object | undefined;
  app.openapi(
    createRoute({
      method: "get",
      path: "/openapi.json",
      operationId: "openapi",
      summary: "This description (OpenAPI 3.1)",
      ...open,
      responses: { 200: { description: "OpenAPI 3.1", ...json(z.looseObject({})) } },
    }),
    (c) => c.json(document ??= openApiDocument(app), 200),
  );
}
