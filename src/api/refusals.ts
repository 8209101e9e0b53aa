import type { OpenAPIHono } from "@hono/zod-openapi";
import { errorText } from "../log.ts";
import { withoutSecrets } from "../redaction.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { Problem, problemResponse } from "./problem.ts";

/** What is refused before a route sees it: a body that isn't JSON, an unknown path, a method that a path doesn't have. */
export function refuseAsProblems(app: OpenAPIHono<ApiEnv>, { log }: ApiParts): void {
  app.onError((error, c) => {
    if (error instanceof Problem) return problemResponse(c, error);
    const known = "status" in error ? ofHono(error.status, error.message) : null;
    if (known) return problemResponse(c, known);
    log.error("api.fault", { request_id: c.get("requestId"), path: c.req.path, error: errorText(error) });
    return problemResponse(
      c,
      new Problem(500, "internal", "Something went wrong here. The log has the request's id."),
    );
  });
  app.notFound((c) => {
    const allowed = methodsOf(app, c.req.path);
    const path = withoutSecrets(c.req.path);
    if (allowed.length === 0) {
      return problemResponse(c, new Problem(404, "not_found", `There is no ${path} here.`));
    }
    const detail = `${path} takes ${allowed.join(", ")}, not ${c.req.method}.`;
    return problemResponse(
      c,
      new Problem(405, "method_not_allowed", detail, [], { allow: allowed.join(", ") }),
    );
  });
}

/** Hono's own refusals. */
function ofHono(status: unknown, message: string): Problem | null {
  switch (status) {
    case 400:
      return new Problem(400, "bad_request", "The body isn't valid JSON.");
    case 415:
      return new Problem(415, "unsupported_media_type", "Send the body as `Content-Type: application/json`.");
    default:
      return typeof status === "number" && status >= 400 && status < 500
        ? new Problem(status as 400, "bad_request", message)
        : null;
  }
}

/** The methods that a path has, by the API's own description. */
function methodsOf(app: OpenAPIHono<ApiEnv>, path: string): string[] {
  const methods = new Set<string>();
  for (const one of app.openAPIRegistry.definitions) {
    if (one.type !== "route") continue;
    const form = one.route.path.split(/\{[^}]+\}/).map(literal).join("[^/]+");
    if (new RegExp(`^${form}$`).test(path)) methods.add(one.route.method.toUpperCase());
  }
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort();
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
