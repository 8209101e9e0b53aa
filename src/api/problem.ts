import type { Context } from "@hono/hono";
import type { ContentfulStatusCode } from "@hono/hono/utils/http-status";
import { z } from "@hono/zod-openapi";

/** A place in the request that is wrong: a JSON pointer (RFC 6901) into the body, or a parameter's name. */
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
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })),
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

/** What a zod refusal says, field by field. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.map((issue) => ({
    pointer: issue.path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join(
      "",
    ),
    detail: issue.message,
  }));
}
