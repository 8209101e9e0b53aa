import { OpenAPIHono } from "@hono/zod-openapi";
import { confineInput } from "./access.ts";
import type { ApiEnv } from "./context.ts";
import { fieldProblems, Problem } from "./problem.ts";

/** An API with our way of refusing. */
export function newApi(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: async (result, c) => {
      if (result.success) {
        return await confineInput(c.get("access"), result.target, result.data as Record<string, unknown>);
      }
      throw new Problem(422, "invalid", "The request isn't as it must be.", fieldProblems(result.error));
    },
  });
}
