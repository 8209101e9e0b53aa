import { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "./context.ts";
import { fieldProblems, Problem } from "./problem.ts";

/** An API with our way of refusing. */
export function newApi(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      throw new Problem(422, "invalid", "The request isn't as it must be.", fieldProblems(result.error));
    },
  });
}
