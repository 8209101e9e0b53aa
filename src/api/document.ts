import type { OpenAPIHono } from "@hono/zod-openapi";
import meta from "../../deno.json" with { type: "json" };
import type { ApiEnv } from "./context.ts";

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Repeats of the request with this key and the same body get the same answer and do nothing.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
} as const;

/** The API's description, OpenAPI 3.1, from the schemas that check its requests. */
export function openApiDocument(app: OpenAPIHono<ApiEnv>): object {
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "ncc",
      version: meta.version,
      description:
        "Nostr Commerce Coordinator: the merchant's side. Field names are NIP-15's where it has any.",
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, { nip98: [] }],
  });
  document.components = {
    ...document.components,
    parameters: { ...document.components?.parameters, IdempotencyKey: idempotencyKey },
    securitySchemes: {
      bearer: {
        type: "http",
        scheme: "bearer",
        description:
          "the admin token, which has every scope; or one of /tokens, with the scopes that it was given",
      },
      nip98: {
        type: "apiKey",
        in: "header",
        name: "Authorization",
        description: "NIP-98: `Nostr <base64 of the event>`, signed by one of NCC_OWNERS",
      },
    },
  };
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    if (item.post && path.startsWith("/api/v1/")) {
      item.post.parameters = [
        ...(item.post.parameters ?? []),
        { $ref: "#/components/parameters/IdempotencyKey" },
      ];
    }
  }
  return document;
}
