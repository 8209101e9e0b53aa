import { z } from "@hono/zod-openapi";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { hexKey, merchantQuery, operation, rfc3339OrNull, time } from "./describe.ts";

const relaySchema = z.object({
  merchant: hexKey,
  url: z.string(),
  built_in: z.boolean().openapi({ description: "it is this server's own" }),
  state: z.enum(["connecting", "connected", "closed", "waiting"]),
  caught_up: z.boolean().openapi({ description: "what was missed is in the inbox" }),
  last_event_at: time.nullable(),
  error: z.string().nullable(),
  reconnects: z.int(),
}).openapi("Relay");

/** How the relays are doing. */
export function relayRoutes({ merchants, baseUrl }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/relays",
      id: "listRelays",
      summary: "The relays of each merchant: the built-in one and the configured ones",
      tag: "relays",
      scope: "relays:read",
      reach: "named",
      request: { query: merchantQuery },
      answer: pageOf(relaySchema, "Relays"),
      status: 200,
    }),
    (c) => {
      const { merchant } = c.req.valid("query");
      const asked = merchants.all().filter((one) => merchant === undefined || one.pubkey === merchant);
      return c.json(
        whole(asked.flatMap((one) => [
          builtIn(one.pubkey),
          ...one.relayStatus().map((relay) => ({
            merchant: one.pubkey,
            url: relay.url,
            built_in: false,
            state: relay.state,
            caught_up: relay.caughtUp,
            last_event_at: rfc3339OrNull(relay.lastEventAt),
            error: relay.error,
            reconnects: relay.reconnects,
          })),
        ])),
        200,
      );
    },
  );
  return api;

  /** Storing an event is publishing it there, and what arrives is in the inbox when it is acknowledged. */
  function builtIn(merchant: string): z.infer<typeof relaySchema> {
    return {
      merchant,
      url: `${baseUrl().replace(/^http/, "ws")}/relay`,
      built_in: true,
      state: "connected",
      caught_up: true,
      last_event_at: null,
      error: null,
      reconnects: 0,
    };
  }
}
