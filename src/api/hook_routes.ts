import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { HookOutcome } from "../app/wallet_hooks.ts";
import { TokenBuckets } from "../policies/token_buckets.ts";
import { boundedBytes } from "./body.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { Problem, problemSchema } from "./problem.ts";

/** An event of a provider has a few hundred bytes. */
const MAX_BYTES = 64 * 1024;
/** Calls of one address in a minute, and how many of them one to a URL that isn't ours counts for. */
const CALLS = { perMinute: 600 };
const WRONG_COSTS = 30;

const PATH = "/hooks/wallet/:merchant/:name/:secret";
const problem = { content: { "application/problem+json": { schema: problemSchema } } };
const param = (name: string, about: string) =>
  z.string().openapi({ param: { name, in: "path" }, description: about });

/**
 * What providers of wallets call (design §9). No token is needed: the URL's secret and, where the provider has one, its signature
 * say who calls. The answer comes before anything is looked up.
 */
export function hookRoutes(app: OpenAPIHono<ApiEnv>, { hooks, clock }: ApiParts): void {
  const addresses = new TokenBuckets({ clock, ...CALLS });
  app.post(PATH, async (c) => {
    const address = c.env?.address ?? "";
    if (!addresses.take(address)) throw tooMany();
    const { merchant, name, secret } = c.req.param();
    const hooked = hooks.find({ merchant, name, secret });
    if (hooked === null) {
      addresses.charge(address, WRONG_COSTS - 1);
      throw new Problem(404, "not_found", "There is no such hook here.");
    }
    const raw = new Uint8Array(await boundedBytes(c.req.raw, clock, MAX_BYTES));
    answer(await hooks.take(hooked, c.req.raw.headers, raw));
    return c.body(null, 204);
  });
  app.openAPIRegistry.registerPath({
    method: "post",
    path: PATH.replace(/:(\w+)/g, "{$1}"),
    operationId: "walletHook",
    summary: "Called by a wallet's provider when something was paid: a reason to ask the wallet, no more",
    description:
      "GET /api/v1/wallets shows each wallet's URL. The body is the provider's, and so is its signature.",
    security: [],
    tags: ["service"],
    request: {
      params: z.object({
        merchant: param("merchant", "public key, 64 hex characters"),
        name: param("name", "the wallet's"),
        secret: param("secret", "belongs to merchant and wallet, and says who calls"),
      }),
    },
    responses: {
      204: { description: "taken; what it says is looked up next" },
      401: { description: "the provider's signature doesn't hold, or the body isn't its", ...problem },
      404: { description: "merchant, wallet and secret don't belong together", ...problem },
      408: { description: "the body didn't come in time", ...problem },
      413: { description: "the body is too large", ...problem },
      429: { description: "too many calls", ...problem },
    },
  });
}

function answer(outcome: HookOutcome): void {
  if (outcome === "refused") {
    throw new Problem(
      401,
      "not_signed",
      "This isn't a call of the wallet's provider: its signature or form is wrong.",
    );
  }
  if (outcome === "crowded") throw tooMany();
}

function tooMany(): Problem {
  const detail = "Too many calls came. Nothing is lost: what is paid is found without them, too.";
  return new Problem(429, "too_many_calls", detail, [], { "retry-after": "60" });
}
