import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "@hono/zod-openapi";
import { hookSchema } from "../medusa/hook.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { boundedBytes } from "./body.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { Problem, problemSchema } from "./problem.ts";

/** A call names an event and at most some hundred ids. */
const MAX_BYTES = 64 * 1024;
/** Calls of one address in a minute, and how many of them one that isn't our plugin's counts for. */
const CALLS = { perMinute: 1_200 };
const WRONG_COSTS = 60;

const PATH = "/hooks/medusa";
const problem = { content: { "application/problem+json": { schema: problemSchema } } };
const header = (about: string) => z.string().openapi({ description: about });

/** What our plugin in Medusa calls (design §9): its signature says who calls. The answer comes before anything is looked up. */
export function medusaHookRoutes(app: OpenAPIHono<ApiEnv>, { medusa, clock }: ApiParts): void {
  const addresses = new TokenBuckets({ clock, ...CALLS });
  app.post(PATH, async (c) => {
    const address = c.env?.address ?? "";
    if (!addresses.take(address)) throw tooMany();
    const hook = medusa?.hook ?? null;
    if (hook === null) throw notHere();
    const raw = new Uint8Array(await boundedBytes(c.req.raw, clock, MAX_BYTES));
    const outcome = await hook.take(c.req.raw.headers, raw);
    if (outcome === "nobody") throw notHere();
    if (outcome === "not_signed") {
      addresses.charge(address, WRONG_COSTS - 1);
      throw new Problem(
        401,
        "not_signed",
        "This isn't our plugin's call: its signature is wrong, or it is older than five minutes. " +
          "Both sides need the same secret (NCC_MEDUSA_WEBHOOK_SECRET) and the right time.",
      );
    }
    if (outcome === "invalid") {
      throw new Problem(422, "invalid", "The body isn't as our plugin's are: are both of the same version?");
    }
    return c.body(null, 204);
  });
  app.openAPIRegistry.registerPath({
    method: "post",
    path: PATH,
    operationId: "medusaHook",
    summary:
      "Called by our plugin in Medusa when something happened there: a reason to read it again, no more",
    description: "Signed with NCC_MEDUSA_WEBHOOK_SECRET as Standard Webhooks say. " +
      "Goods that aren't named may be any of the catalogue.",
    security: [],
    tags: ["service"],
    request: {
      headers: z.object({
        "webhook-id": header("the same call comes with the same id, and is taken once"),
        "webhook-timestamp": header("seconds since 1970; at most five minutes off"),
        "webhook-signature": header("`v1,` and the HMAC-SHA256 of `id.timestamp.body`, in base64"),
      }),
      body: { required: true, content: { "application/json": { schema: hookSchema } } },
    },
    responses: {
      204: { description: "taken; what it names is read next. Also for events that don't matter here" },
      401: { description: "it isn't signed with the secret, or is too old", ...problem },
      404: { description: "no Medusa is set up here, or no secret for its calls", ...problem },
      408: { description: "the body didn't come in time", ...problem },
      413: { description: "the body is too large", ...problem },
      422: { description: "the body isn't as it must be", ...problem },
      429: { description: "too many calls", ...problem },
    },
  });
}

function notHere(): Problem {
  return new Problem(404, "not_found", "No Medusa's calls are taken here (NCC_MEDUSA_WEBHOOK_SECRET).");
}

function tooMany(): Problem {
  const detail = "Too many calls came. Nothing is lost: what changed is found without them, too.";
  return new Problem(429, "too_many_calls", detail, [], { "retry-after": "60" });
}
