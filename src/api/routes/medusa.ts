import { z } from "@hono/zod-openapi";
import { selectBridge } from "../../medusa/catalogue/bridge_store.ts";
import { leaveOut, leaveZoneOut, letGo, takeSides } from "../../medusa/catalogue/catalogue_desk.ts";
import { SHARED_FIELDS } from "../../medusa/catalogue/merge.ts";
import { type KnownState, selectKnown, selectKnownPage } from "../../medusa/catalogue/products_store.ts";
import { sweepLater } from "../../medusa/catalogue/sweep_queue.ts";
import { sweepOrders } from "../../medusa/orders/orders_sweep.ts";
import { lastSweep } from "../../medusa/catalogue/sweep_report.ts";
import { selectZones } from "../../medusa/catalogue/zones_store.ts";
import { reportOf } from "../../medusa/report_store.ts";
import type { Access } from "../access.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { Problem } from "../problem.ts";
import { knownResource, knownSchema, medusaSchema, zoneResource, zoneSchema } from "./medusa_resources.ts";
import { theMerchant } from "./the_merchant.ts";
import {
  hexKey,
  idParam,
  json,
  merchantQuery,
  notFound,
  operation,
  refused,
  rfc3339OrNull,
} from "./describe.ts";

const side = z.enum(["ours", "theirs"]);
const knownChange = z.strictObject({
  left_out: z.boolean().optional(),
  take: z.strictObject(Object.fromEntries(SHARED_FIELDS.map((field) => [field, side.optional()]))).optional(),
}).refine(({ left_out, take }) => (left_out === undefined) !== (take === undefined), {
  error: "say either left_out or take",
});

const tag = "medusa";
const state = z.enum(["conflict", "trouble", "left_out"] satisfies KnownState[]);

/** The merchant's Medusa: what of its catalogue is here, and what isn't. */
export function medusaRoutes({ database, clock, random, medusa, merchants }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/medusa",
      id: "getMedusa",
      summary: "How Medusa is, and what its last sweep found",
      tag,
      scope: "catalog:read",
      reach: "named",
      request: { query: merchantQuery },
      answer: medusaSchema,
      status: 200,
    }),
    async (c) => c.json(await shown(whose(c.get("access"), c.req.valid("query").merchant)), 200),
  );
  api.openapi(
    operation({
      method: "post",
      path: "/medusa/sweep",
      id: "sweepMedusa",
      summary: "Have the whole catalogue, and the orders that aren't at their end, compared with Medusa now",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { query: merchantQuery },
      answer: medusaSchema,
      status: 200,
    }),
    async (c) => {
      const merchant = whose(c.get("access"), c.req.valid("query").merchant);
      const now = clock.now();
      await database.transaction(async (tx) => {
        await sweepLater(tx, merchant, now, now);
        await sweepOrders(tx, merchant, now, now);
      });
      return c.json(await shown(merchant), 200);
    },
  );
  addList(api, {
    path: "/medusa/products",
    id: "listMedusaProducts",
    summary: "What Medusa has for the catalogue, by id",
    tag,
    scope: "catalog:read",
    reach: "named",
    filter: { state: state.optional() },
    item: knownSchema,
    name: "MedusaProducts",
    key: ["text", "text"],
    read: (filter, slice) => selectKnownPage(database.kysely, filter, slice),
    place: ({ product_id, merchant }) => [product_id, merchant],
    show: (rows) => rows.map(knownResource),
  });
  api.openapi(
    operation({
      method: "patch",
      path: "/medusa/products/{id}",
      id: "changeMedusaProduct",
      summary: "Leave a product out of Nostr, take it again, or decide what both sides changed",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { params: idParam, query: merchantQuery, ...json(knownChange) },
      answer: knownSchema,
      status: 200,
    }),
    async (c) => {
      const merchant = whose(c.get("access"), c.req.valid("query").merchant);
      const { id } = c.req.valid("param");
      const { left_out: leftOut, take } = c.req.valid("json");
      const at = { merchant, id, now: clock.now() };
      const done = await database.transaction((tx) =>
        leftOut === undefined ? takeSides(tx, at, take ?? {}) : leaveOut(tx, at, leftOut)
      );
      if (!done.ok) throw refused(done);
      return c.json(knownResource((await selectKnown(database.kysely, merchant, id))!), 200);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/medusa/zones",
      id: "listMedusaZones",
      summary: "Where Medusa ships to, and for how much",
      tag,
      scope: "catalog:read",
      reach: "named",
      request: { query: merchantQuery },
      answer: pageOf(zoneSchema, "MedusaZones"),
      status: 200,
    }),
    async (c) => {
      const merchant = whose(c.get("access"), c.req.valid("query").merchant);
      return c.json(whole((await selectZones(database.kysely, merchant)).map(zoneResource)), 200);
    },
  );
  api.openapi(
    operation({
      method: "patch",
      path: "/medusa/zones/{id}",
      id: "changeMedusaZone",
      summary: "Leave a zone out of the stall, or take it again",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: {
        params: idParam,
        query: merchantQuery,
        ...json(z.strictObject({ left_out: z.boolean() })),
      },
      answer: zoneSchema,
      status: 200,
    }),
    async (c) => {
      const merchant = whose(c.get("access"), c.req.valid("query").merchant);
      const { id } = c.req.valid("param");
      const at = { merchant, id, now: clock.now(), random };
      const done = await database.transaction((tx) => leaveZoneOut(tx, at, c.req.valid("json").left_out));
      if (!done.ok) throw refused(done);
      const row = (await selectZones(database.kysely, merchant)).find(({ zone_id }) => zone_id === id);
      if (!row) throw notFound("zone", id);
      return c.json(zoneResource(row), 200);
    },
  );
  api.openapi(
    operation({
      method: "delete",
      path: "/medusa",
      id: "letGoOfMedusa",
      summary: "Make what Medusa kept your own, once NCC_MEDUSA_URL is set no more",
      tag,
      scope: "catalog:write",
      reach: "named",
      request: { query: merchantQuery },
      answer: z.object({ merchant: hexKey, let_go: z.literal(true) }),
      status: 200,
    }),
    async (c) => {
      const merchant = theMerchant(c.get("access"), merchants, c.req.valid("query").merchant);
      if (medusa?.merchant() === merchant) {
        throw new Problem(
          409,
          "conflict",
          "The next sweep would make it Medusa's again: unset NCC_MEDUSA_URL first.",
        );
      }
      await database.transaction((tx) => letGo(tx, merchant));
      return c.json({ merchant, let_go: true as const }, 200);
    },
  );
  return api;

  /** Whose Medusa it is; it isn't there for anybody else. */
  function whose(access: Access, named: string | undefined): string {
    const merchant = medusa?.merchant() ?? null;
    if (merchant !== null && access.sees(merchant) && (named ?? merchant) === merchant) return merchant;
    throw new Problem(
      404,
      "no_medusa",
      "This merchant has no Medusa: NCC_MEDUSA_URL says where the first one's is.",
    );
  }

  async function shown(merchant: string): Promise<z.infer<typeof medusaSchema>> {
    const bridge = await selectBridge(database.kysely, merchant);
    const { report } = await reportOf(database.kysely, merchant);
    const look = await medusa?.look();
    return {
      merchant,
      up: look?.up ?? null,
      states: look?.states ?? [],
      stall_id: bridge?.stall_id ?? null,
      currency: report.currency ?? null,
      products: report.products ?? 0,
      conflicts: report.conflicts ?? 0,
      problem: report.no_channel ?? report.no_currency ?? report.problem ?? null,
      sweep_started_at: rfc3339OrNull(bridge?.sweep_started_at ?? null),
      sweep_ended_at: rfc3339OrNull(bridge?.sweep_ended_at ?? null),
      sweep: lastSweep(report),
    };
  }
}
