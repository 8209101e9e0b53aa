import { createRoute, type RouteConfig, z } from "@hono/zod-openapi";
import type { Refusal } from "../../catalog/refusal.ts";
import { gate, type Reach } from "../access.ts";
import { Problem, problemSchema } from "../problem.ts";
import type { Scope } from "../scopes.ts";

/** What a refusal is in. */
export const problem = { content: { "application/problem+json": { schema: problemSchema } } };

/** Answers that every operation can give. */
const refusals = {
  401: { description: "not authenticated", ...problem },
  403: { description: "not an owner's key, or a token without the scope", ...problem },
  404: { description: "there is no such thing", ...problem },
  409: { description: "it doesn't fit the present state, or isn't clear", ...problem },
  422: { description: "the request isn't as it must be", ...problem },
  500: { description: "a fault of the server", ...problem },
};
/** Answers to what comes with a body. */
const bodyRefusals = {
  400: { description: "the body isn't JSON", ...problem },
  408: { description: "the body didn't come in time", ...problem },
  413: { description: "the body is too large", ...problem },
  415: { description: "the body isn't declared as JSON", ...problem },
};

/** Describes an operation: who may, what comes in, what goes out, and the refusals that all have. */
export function operation<
  M extends RouteConfig["method"],
  P extends string,
  R extends NonNullable<RouteConfig["request"]>,
  T extends z.ZodType,
  S extends 200 | 201,
>(o: {
  method: M;
  path: P;
  id: string;
  summary: string;
  tag: string;
  /** What a token must have for it. */
  scope: Scope;
  /** What it touches: who is bound to one merchant gets no further. */
  reach: Reach;
  request: R;
  answer: T;
  status: S;
  /** Further answers, by status, to be described. */
  also?: RouteConfig["responses"];
}) {
  return createRoute({
    method: o.method,
    path: o.path,
    operationId: o.id,
    summary: o.summary,
    tags: [o.tag],
    security: [{ bearer: [o.scope] }, { nip98: [o.scope] }],
    middleware: gate(o.scope, o.reach),
    // A parameter that isn't known is misspelt: without this, `?pament=paid` would list everything.
    request: { query: z.strictObject({}), ...o.request } as R,
    responses: {
      [o.status]: { description: "done", content: { "application/json": { schema: o.answer } } },
      ...refusals,
      ...(o.request.body ? bodyRefusals : {}),
      ...o.also,
    } as
      & { [K in S]: { description: string; content: { "application/json": { schema: T } } } }
      & typeof refusals,
  });
}

/** A JSON body. */
export function json<T extends z.ZodType>(schema: T) {
  return { body: { required: true, content: { "application/json": { schema } } } } as const;
}

export const idParam = z.object({
  id: z.string().min(1).max(256).openapi({ param: { name: "id", in: "path" } }),
});
export const merchantQuery = z.strictObject({
  merchant: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex characters").optional()
    .openapi({ description: "public key, when several merchants are served" }),
});
export const time = z.iso.datetime().openapi({ description: "RFC 3339, UTC" });
export const hexKey = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex characters")
  .openapi({ description: "64 hex characters" });
export const msat = z.string().regex(/^\d+$/).openapi({ description: "millisatoshi" });

/** A refusal of the catalogue as a problem. */
export function refused(refusal: Refusal): Problem {
  const status = refusal.code === "not_found" ? 404 : refusal.code === "conflict" ? 409 : 422;
  const errors = refusal.pointer === undefined ? [] : [{ pointer: refusal.pointer, detail: refusal.reason }];
  return new Problem(status, refusal.code, refusal.reason, errors);
}

export function notFound(what: string, id: string): Problem {
  return new Problem(404, "not_found", `There is no ${what} ${id}.`);
}

/** A field whose form is right and whose content isn't. */
export function wrongField(pointer: string, detail: string): Problem {
  return new Problem(422, "invalid", detail, [{ pointer, detail }]);
}

/** ms since 1970 as the API says times. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
export function rfc3339OrNull(ms: number | null): string | null {
  return ms === null ? null : rfc3339(ms);
}
