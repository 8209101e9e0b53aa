import { z } from "@hono/zod-openapi";
import { checkRelay } from "../../app/health.ts";
import type { MerchantRelayStatus } from "../../app/served_merchant.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { type RelayBooks, relayBooks } from "../relays_store.ts";
import { hexKey, merchantQuery, operation, rfc3339, rfc3339OrNull, time } from "./describe.ts";

const relaySchema = z.object({
  merchant: hexKey,
  url: z.string(),
  built_in: z.boolean().openapi({ description: "it is this server's own" }),
  state: z.enum(["connecting", "connected", "closed", "waiting"]),
  caught_up: z.boolean().openapi({ description: "what was missed is in the inbox" }),
  last_event_at: time.nullable(),
  error: z.string().nullable(),
  reconnects: z.int(),
  ok: z.boolean(),
  detail: z.string().openapi({ description: "how it is, in plain words" }),
  deaf: z.object({ since: time, why: z.string() }).nullable().openapi({
    description: "since when and by what it is known not to hand over what it has",
  }),
  found_deaf: z.int().openapi({ description: "how often that was found since the start" }),
  refusing: z.string().nullable().openapi({
    description: "what it says for refusing our subscription or look-ups",
  }),
  unproven: z.string().nullable().openapi({
    description: "why it can't be probed by an event of our own",
  }),
  last_heard_at: time.nullable().openapi({
    description: "the last event, or the last answer to a question",
  }),
  cursor: time.nullable().openapi({ description: "it is read up to here" }),
  hidden_seconds: z.int().openapi({
    description: "seconds of the last catch-up that may hold more events than it gives out",
  }),
  waiting: z.int().openapi({ description: "events of ours that are still to go there" }),
  next_try_at: time.nullable().openapi({ description: "when the next of those is tried" }),
  resting: z.boolean().openapi({ description: "it wants us to slow down: those wait the longer" }),
}).openapi("Relay");

/** How the relays are doing. */
export function relayRoutes({ merchants, baseUrl, database }: ApiParts) {
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
    async (c) => {
      const { merchant } = c.req.valid("query");
      const asked = merchants.all().filter((one) => merchant === undefined || one.pubkey === merchant);
      const books = await relayBooks(database.kysely, asked.map((one) => one.pubkey));
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
            ...checkRelay(relay),
            ...found(relay),
            ...inBooks(books.get(`${one.pubkey} ${relay.url}`)),
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
      ok: true,
      detail: "this server's own",
      deaf: null,
      found_deaf: 0,
      refusing: null,
      unproven: null,
      last_heard_at: null,
      hidden_seconds: 0,
      ...inBooks(undefined),
    };
  }
}

/** What its watch has found. */
function found(relay: MerchantRelayStatus) {
  const heard = Math.max(relay.lastEventAt ?? -1, relay.lastEoseAt ?? -1);
  return {
    deaf: relay.deaf && { since: rfc3339(relay.deaf.since), why: relay.deaf.why },
    found_deaf: relay.foundDeaf,
    refusing: relay.refusing,
    unproven: relay.unproven,
    last_heard_at: rfc3339OrNull(heard < 0 ? null : heard),
    hidden_seconds: relay.hidden,
  };
}

function inBooks(books: RelayBooks | undefined) {
  return {
    cursor: rfc3339OrNull(books?.cursor ?? null),
    waiting: books?.waiting ?? 0,
    next_try_at: rfc3339OrNull(books?.nextTryAt ?? null),
    resting: books?.limited ?? false,
  };
}
