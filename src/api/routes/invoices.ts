import { z } from "@hono/zod-openapi";
import { cancelInvoice } from "../../till/cancel.ts";
import { listTillOrders } from "../../till/invoices_store.ts";
import { straightened } from "../../till/price.ts";
import { refundInvoice, type RefundTaken } from "../../till/refund.ts";
import { type InvoiceWish, orderIdOf, takeInvoice, type Taken } from "../../till/take.ts";
import { lockCaps } from "../../till/tills_store.ts";
import { findOrder, type OrderRow } from "../../orders/orders_store.ts";
import { tillOf, tillState } from "../../orders/till.ts";
import { TokenBuckets } from "../../policies/token_buckets.ts";
import type { Access } from "../access.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { untilInvoiced } from "../till_wait.ts";
import { idParam, json, notFound, operation, problem, wrongField } from "./describe.ts";
import { invoiceResources, invoiceSchema } from "./invoice_resource.ts";
import { theMerchant } from "./the_merchant.ts";

const tag = "invoices";
/** Of everybody who has no token of a till: they are the operator's people. */
const OPERATORS_TILL = "operator";
/** Requests of one token that change something, and those that look. */
const CHANGES_A_MINUTE = 120;
const LOOKS_A_MINUTE = 1_200;

const text = (most: number) =>
  z.string().min(1).max(most).regex(/^[^\p{Cc}]*$/u, "must have no control characters");
const reference = text(200).openapi({
  description: "your own id of it: the same is never made twice, so that a lost answer is asked for again",
});
const msat = z.string().regex(/^[1-9]\d{0,15}$/, "must be whole millisatoshi, as a string");
const decimal = z.string().regex(/^\d{1,15}(\.\d{1,8})?$/, "must be a decimal number, as a string: 12.50");

const newInvoice = z.strictObject({
  reference,
  amount_msat: msat.optional(),
  amount: decimal.optional().openapi({ description: "with `currency`, in place of `amount_msat`" }),
  currency: z.string().min(3).max(8).optional().openapi({ description: "ISO 4217, or sat, msat, BTC" }),
  description: text(500).optional().openapi({ description: "for the shop's books; who pays doesn't see it" }),
  expires_in: z.int().min(60).max(86_400).optional().openapi({
    description: "seconds; NCC_INVOICE_EXPIRY without it",
  }),
  merchant: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex characters").optional(),
});

const newRefund = z.strictObject({
  reference,
  amount_msat: msat.optional(),
  amount: decimal.optional().openapi({
    description: "in the invoice's currency at the invoice's rate; without any amount, all that is left",
  }),
  destination: text(8_000).optional().openapi({
    description: "BOLT11 over just this amount, or a Lightning address; without it, it is given back by hand",
  }),
  reason: text(200).optional(),
});

const crowded = {
  429: { description: "too many requests", content: problem.content },
  503: { description: "it can't be priced right now", content: problem.content },
};

/** The till: invoices for other programs, each of which makes and sees its own. */
export function invoiceRoutes(parts: ApiParts) {
  const { database, clock, merchants, termsOf } = parts;
  const api = newApi();
  const changes = new TokenBuckets({ clock, perMinute: CHANGES_A_MINUTE });
  const looks = new TokenBuckets({ clock, perMinute: LOOKS_A_MINUTE });

  addList(api, {
    path: "/invoices",
    id: "listInvoices",
    summary: "The token's own invoices, newest first",
    tag,
    scope: "invoices",
    reach: "named",
    filter: { reference: reference.optional() },
    item: invoiceSchema,
    name: "Invoices",
    key: ["int", "text"],
    read: (filter, slice, access) => {
      slowDown(looks, access);
      return listTillOrders(database.kysely, { ...filter, till: tillSeen(access) }, slice);
    },
    place: ({ created_at, id }) => [created_at, id],
    show: (rows) => invoiceResources(database.kysely, rows),
  });
  api.openapi(
    operation({
      method: "post",
      path: "/invoices",
      id: "createInvoice",
      summary: "Ask for an invoice, or for another amount of one that isn't paid. Waits for it up to 8 s",
      tag,
      scope: "invoices",
      reach: "named",
      request: json(newInvoice),
      answer: invoiceSchema,
      status: 201,
      also: {
        200: {
          description: "it was there already",
          content: { "application/json": { schema: invoiceSchema } },
        },
        ...crowded,
      },
    }),
    async (c) => {
      const access = c.get("access");
      slowDown(changes, access);
      const input = c.req.valid("json");
      const wish: InvoiceWish = {
        till: access.till?.till ?? OPERATORS_TILL,
        merchant: theMerchant(access, merchants, input.merchant),
        reference: input.reference,
        asked: askedBy(input),
        description: input.description ?? null,
        expiryMs: input.expires_in === undefined ? null : input.expires_in * 1000,
      };
      const taken = await untilInvoiced(parts, orderIdOf(wish), () => take(wish, access));
      if (tillState(taken.order) === "creating") c.header("retry-after", "2");
      return c.json(await shown(taken.order), (taken.created ? 201 : 200) as 201);
    },
  );
  api.openapi(
    operation({
      method: "get",
      path: "/invoices/{id}",
      id: "getInvoice",
      summary: "One of the token's own invoices",
      tag,
      scope: "invoices",
      reach: "handler",
      request: { params: idParam },
      answer: invoiceSchema,
      status: 200,
      also: crowded,
    }),
    async (c) => {
      slowDown(looks, c.get("access"));
      return c.json(await shown(await one(c.get("access"), c.req.valid("param").id)), 200);
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/invoices/{id}/cancel",
      id: "cancelInvoice",
      summary: "Offer it no more. What is paid stays paid; what is paid later is to go back",
      tag,
      scope: "invoices",
      reach: "handler",
      request: { params: idParam, ...json(z.strictObject({})) },
      answer: invoiceSchema,
      status: 200,
      also: crowded,
    }),
    async (c) => {
      slowDown(changes, c.get("access"));
      const { id } = await one(c.get("access"), c.req.valid("param").id);
      return c.json(
        await shown(await database.transaction((tx) => cancelInvoice(tx, id, clock.now()))),
        200,
      );
    },
  );
  api.openapi(
    operation({
      method: "post",
      path: "/invoices/{id}/refund",
      id: "refundInvoice",
      summary: "Give money of it back; all of it, which ends it, or a part",
      tag,
      scope: "invoices",
      reach: "handler",
      request: { params: idParam, ...json(newRefund) },
      answer: invoiceSchema,
      status: 200,
      also: crowded,
    }),
    async (c) => {
      slowDown(changes, c.get("access"));
      const { id, merchant } = await one(c.get("access"), c.req.valid("param").id);
      const input = c.req.valid("json");
      const { amount_msat, amount } = input;
      if (amount_msat !== undefined && amount !== undefined) throw twoAmounts();
      const wish = {
        orderId: id,
        reference: input.reference,
        amount: amount_msat !== undefined
          ? { msat: BigInt(amount_msat) }
          : amount !== undefined
          ? { amount }
          : null,
        destination: input.destination ?? null,
        reason: input.reason ?? "Given back at the till.",
        auto: termsOf(merchant).autoRefund ?? null,
      };
      await database.transaction(async (tx) => {
        const taken = await refundInvoice(tx, wish, clock.now());
        // Thrown in here: what is refused has changed nothing.
        if (!taken.ok) throw refundProblem(taken);
      });
      return c.json(await shown(await one(c.get("access"), id)), 200);
    },
  );
  return api;

  /** Throws the `Problem` of a refusal. */
  async function take(wish: InvoiceWish, access: Access) {
    const attempt = () =>
      database.transaction(async (tx) => {
        const caps = await lockCaps(tx, access.till?.token ?? null);
        return await takeInvoice(tx, wish, { caps, terms: termsOf(wish.merchant) }, clock.now());
      });
    const taken = await attempt().catch((error) => {
      // Another process has taken the same reference at the same moment.
      if ((error as { code?: string }).code === "23505") return attempt();
      throw error;
    });
    if (!taken.ok) throw refusal(taken);
    return taken;
  }

  async function one(access: Access, id: string): Promise<OrderRow> {
    const order = access.visible(await findOrder(database.kysely, id));
    const till = order && tillOf(order);
    const seen = tillSeen(access);
    if (!order || till === null || (seen !== null && seen !== till)) throw notFound("invoice", id);
    return order;
  }

  async function shown(order: OrderRow) {
    return (await invoiceResources(database.kysely, [order]))[0]!;
  }
}

/** Whose invoices are seen; null: all tills'. */
function tillSeen(access: Access): string | null {
  return access.has("operator") ? null : access.till?.till ?? "";
}

function slowDown(buckets: TokenBuckets, { actor, till }: Access): void {
  if (till === null || buckets.take(actor)) return;
  throw new Problem(429, "too_many_requests", "This token asks too often. Wait a moment.", [], {
    "retry-after": "5",
  });
}

function askedBy({ amount_msat, amount, currency }: z.infer<typeof newInvoice>): InvoiceWish["asked"] {
  if (amount_msat !== undefined) {
    if (amount !== undefined || currency !== undefined) throw twoAmounts();
    return { amount: amount_msat, currency: "msat" };
  }
  if (amount === undefined) {
    throw wrongField("/amount_msat", "Name `amount_msat`, or `amount` and `currency`.");
  }
  if (currency === undefined) throw wrongField("/currency", "An amount needs its currency.");
  const asked = straightened({ amount, currency });
  if (asked !== null) return asked;
  throw /[1-9]/.test(amount)
    ? wrongField("/currency", `${currency} is no currency that is known here.`)
    : wrongField("/amount", "must be more than nothing");
}

function twoAmounts(): Problem {
  return wrongField("/amount_msat", "Name either `amount_msat` or `amount`.");
}

function refusal({ code, reason, later }: Extract<Taken, { ok: false }>): Problem {
  if (later) return new Problem(503, code, reason, [], { "retry-after": "5" });
  const conflict = code === "closed" || code === "too_many_open" || code === "wrong_state";
  return conflict
    ? new Problem(409, code, reason)
    : new Problem(422, code, reason, [{ pointer: "/amount", detail: reason }]);
}

function refundProblem({ code, reason }: Extract<RefundTaken, { ok: false }>): Problem {
  switch (code) {
    case "not_found":
      return new Problem(404, "not_found", reason);
    case "conflict":
      return new Problem(409, "wrong_state", reason);
    case "amount":
    case "destination":
      return wrongField(`/${code}`, reason);
  }
}
