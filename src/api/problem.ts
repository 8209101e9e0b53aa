import type { Context } from "@hono/hono";
import type { ContentfulStatusCode } from "@hono/hono/utils/http-status";
import { z } from "@hono/zod-openapi";

/** A place in the request that is wrong: a JSON pointer (RFC 6901) into the body, or `/name` of a parameter. */
export interface FieldProblem {
  pointer: string;
  detail: string;
}

/** A refusal that the caller can understand: RFC 9457. */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly status: ContentfulStatusCode,
    /** A word for machines, stable. */
    readonly code: string,
    readonly detail: string,
    readonly errors: FieldProblem[] = [],
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
  }
}

const titles: Record<number, string> = {
  400: "Bad request",
  401: "Not authenticated",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  413: "Too large",
  415: "Unsupported media type",
  421: "Misdirected request",
  422: "Unprocessable content",
  429: "Too many requests",
  500: "Internal error",
  503: "Not available",
};

/** RFC 9457, as documented in the API's description. */
export const problemSchema = z.object({
  type: z.string().openapi({ description: "`about:blank#` and the code" }),
  title: z.string(),
  status: z.int(),
  detail: z.string().openapi({ description: "what is wrong and what to do, for people" }),
  code: z.string().openapi({ description: "what is wrong, for machines" }),
  request_id: z.string().openapi({ description: "stands in the log and in the header x-request-id too" }),
  errors: z.array(z.object({
    pointer: z.string().openapi({
      description: "JSON pointer (RFC 6901) into the body, or `/name` of a parameter",
    }),
    detail: z.string(),
  })),
}).openapi("Problem");

/** The problem as a response. */
export function problemResponse(c: Context, problem: Problem): Response {
  const body: z.infer<typeof problemSchema> = {
    type: `about:blank#${problem.code}`,
    title: titles[problem.status] ?? "Error",
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    request_id: c.get("requestId") as string,
    errors: problem.errors,
  };
  return c.body(JSON.stringify(body), problem.status, {
    ...problem.headers,
    "content-type": "application/problem+json",
  });
}

/** What a zod refusal says, field by field; each unknown field is named by itself. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({
        pointer: pointer([...issue.path, key]),
        detail: "is unknown here. Is it misspelt?",
      }))
      : [{ pointer: pointer(issue.path), detail: issue.message }]
  );
}

/** RFC 6901. */
function pointer(path: PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Who asks hasn't shown who they are. */
export function unauthenticated(detail: string): Problem {
  return new Problem(401, "not_authenticated", detail, [], { "www-authenticate": "Bearer, Nostr" });
}
