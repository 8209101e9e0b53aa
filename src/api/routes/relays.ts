import { z } from "@hono/zod-openapi";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { hexKey, merchantQuery, operation, rfc3339OrNull, time } from "./describe.ts";

const relaySchema = z.object({
  merchant: hexKey,
  url: z.string(),
  state: z.enum(["connecting", "connected", "closed", "waiting"]),
  caught_up: z.boolean().openapi({ description: "what was missed is in the inbox" }),
  last_event_at: time.nullable(),
  error: z.string().nullable(),
  reconnects: z.int(),
}).openapi("Relay");

/** How the relays are doing. */
export function relayRoutes({ merchants }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/relays",
      summary: "The configured relays of each merchant",
      tag: "relays",
      request: { query: merchantQuery },
      answer: z.object({ data: z.array(relaySchema) }),
      status: 200,
    }),
    (c) => {
      const { merchant } = c.req.valid("query");
      const data = merchants.all().filter((one) => merchant === undefined || one.pubkey === merchant).flatMap(
        (one) =>
          one.relayStatus().map((relay) => ({
            merchant: one.pubkey,
            url: relay.url,
            state: relay.state,
            caught_up: relay.caughtUp,
            last_event_at: rfc3339OrNull(relay.lastEventAt),
            error: relay.error,
            reconnects: relay.reconnects,
          })),
      );
      return c.json({ data }, 200);
    },
  );
  return api;
}
