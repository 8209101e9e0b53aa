import { createHash } from "node:crypto";
import type { Context } from "@hono/hono";
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { ApiEnv, ApiParts } from "../context.ts";
import { SCRIPT, STYLE } from "./pay_look.ts";
import type { PayGuard } from "./pay_guard.ts";
import { payPage, sayingPage } from "./pay_page.ts";
import { payLook, payStates } from "./pay_state.ts";

const PATH = "/pay/:random";
const params = z.object({
  random: z.string().openapi({
    param: { name: "random", in: "path" },
    description: "the order's, from its payment request",
  }),
});
const stateSchema = z.object({
  state: z.enum(payStates),
  payment_hash: z.string().nullable().openapi({
    description: "of the invoice that is to be paid; null: none is",
  }),
});
const asHtml = { content: { "text/html": { schema: z.string() } } };
const described = { security: [], tags: ["payment pages"], request: { params } };

/** An order's payment page (design §9: open to everybody who has its address, and without customers' data). */
export function payRoutes(app: OpenAPIHono<ApiEnv>, { clock }: ApiParts, guard: PayGuard): void {
  const headers = pageHeaders();
  const answer = (c: Context, status: 200 | 404 | 429, page: ReturnType<typeof sayingPage>) =>
    c.html(page, status, { ...headers, ...(status === 429 && { "retry-after": "60" }) });

  app.get(PATH, async (c) => {
    const found = await guard.find(c.env?.address ?? "", c.req.param("random"));
    if ("payable" in found) {
      return answer(c, 200, payPage(found.payable, payLook(found.payable, clock.now())));
    }
    return found.refused === "crowded"
      ? answer(c, 429, sayingPage("Please wait", "Too many requests came. Try again in a minute."))
      : answer(c, 404, sayingPage("Not found", "There is no payment page here, or not any more."));
  });
  app.get(`${PATH}/state`, async (c) => {
    const found = await guard.find(c.env?.address ?? "", c.req.param("random"));
    if ("refused" in found) {
      const crowded = found.refused === "crowded";
      return c.json({ reason: found.refused }, crowded ? 429 : 404, crowded ? { "retry-after": "60" } : {});
    }
    const look = payLook(found.payable, clock.now());
    const paymentHash = look.state === "waiting" ? look.invoice.paymentHash : null;
    const body: z.infer<typeof stateSchema> = { state: look.state, payment_hash: paymentHash };
    return c.json(body, 200);
  });

  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/pay/{random}",
    operationId: "payPage",
    summary: "The page on which an order's customer sees what is to be paid, and that it is",
    ...described,
    responses: {
      200: { description: "the page", ...asHtml },
      404: { description: "there is no such page, or not any more", ...asHtml },
      429: { description: "too many requests", ...asHtml },
    },
  });
  const reason = { content: { "application/json": { schema: z.object({ reason: z.string() }) } } };
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/pay/{random}/state",
    operationId: "payState",
    summary: "What the page shows: whether it has to be loaded again",
    ...described,
    responses: {
      200: {
        description: "where the payment stands",
        content: { "application/json": { schema: stateSchema } },
      },
      404: { description: "there is no such page, or not any more", ...reason },
      429: { description: "too many requests", ...reason },
    },
  });
}

/** The page runs and shows what is named here by its hash, and nothing else. */
function pageHeaders(): Record<string, string> {
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  return {
    "content-security-policy":
      `default-src 'none'; style-src ${hash(STYLE)}; script-src ${hash(SCRIPT)}; connect-src 'self'; ` +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
  };
}
