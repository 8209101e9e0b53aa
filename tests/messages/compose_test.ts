import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compose, type Subject } from "../../src/messages/compose.ts";
import { splitText } from "../../src/messages/split_text.ts";
import { draftOrder, unreadable } from "../../src/orders/draft.ts";
import type { OrderRow } from "../../src/orders/orders_store.ts";

const NOW = Date.UTC(2026, 0, 1);
const invoice = { id: "i", bolt11: "lnbcrt1", amountMsat: 100_000n, expiresAt: NOW + 900_000, links: [] };

function subject(order: Partial<OrderRow>, more: Partial<Subject> = {}): Subject {
  const origin = {
    merchant: "m",
    customer: "c",
    dialect: "nip15",
    envelope: "nip04" as const,
    relay: "",
    askedAtSeconds: 0,
    stale: false,
  };
  const draft = draftOrder(origin, unreadable("1", { stallKey: "none" }), "o", NOW);
  return {
    order: { ...draft, total_msat: 100_000, address: "x", ...order },
    items: [{
      order_id: "o",
      line: 1,
      product_id: "cup",
      name: "Cup",
      quantity: 1,
      price: "100",
      currency: "sat",
      digital: 0,
    }],
    invoice,
    comesOnChain: false,
    refundsAwaited: [],
    digitalContent: [],
    note: null,
    now: NOW,
    ...more,
  };
}

Deno.test("a payment request says what still holds when it is sent, and never nothing unless another answer follows", () => {
  const said = (order: Partial<OrderRow>, more: Partial<Subject> = {}) =>
    compose("payment_request", subject(order, more)).map((reply) =>
      reply.kind === "refusal"
        ? `${reply.cancelled ? "cancelled" : reply.orderStands ? "stands" : "over"}`
        : reply.kind
    );
  assertEquals(said({ payment: "awaiting" }), ["payment_request"]);
  // An answer follows with the invoice, the payment or the end.
  assertEquals(said({ payment: "quoting" }), []);
  assertEquals(said({ payment: "awaiting" }, { invoice: null }), []);
  assertEquals(said({ payment: "paid", fulfilment: "unfulfilled" }), []);
  assertEquals(said({ payment: "cancelled" }), []);
  // Nothing would follow.
  assertEquals(said({ payment: "awaiting" }, { now: NOW + 900_000 }), ["stands"]);
  assertEquals(said({ payment: "held" }), ["stands"]);
  assertEquals(said({ payment: "awaiting" }, { comesOnChain: true }), ["stands"]);
  assertEquals(said({ payment: "expired", reason: "Too late." }), ["cancelled"]);
});

Deno.test("a request for the rest says what came, whichever way it is asked for", () => {
  for (const kind of ["payment_request", "underpaid"] as const) {
    const [reply] = compose(kind, subject({ payment: "awaiting", received_msat: 40_000 }));
    assertEquals(
      reply?.kind === "payment_request" && reply.message,
      "We received 40 sat of 100 sat. Please pay the rest: 100 sat.",
    );
  }
});

Deno.test("a hundred long lines make a short message", () => {
  const [line] = subject({}).items;
  const items = Array.from({ length: 100 }, (_, i) => ({ ...line!, line: i + 1, name: "x".repeat(200) }));
  const [reply] = compose("payment_request", subject({ payment: "awaiting" }, { items }));
  assertEquals(reply?.kind === "payment_request" && reply.message.length < 1_000, true);
});

Deno.test("digital goods whose content is gone are no silence", () => {
  const [reply] = compose("digital", subject({ payment: "paid", fulfilment: "delivered" }));
  assertEquals(reply?.kind === "status" && reply.message.startsWith("What you bought can't be sent"), true);
});

Deno.test("splitText() keeps every character, no part is too long, and lines stay whole where they fit", () => {
  fc.assert(fc.property(
    fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { maxLength: 20 }),
    fc.integer({ min: 4, max: 60 }),
    (lines, most) => {
      const text = lines.join("\n");
      const parts = splitText(text, most);
      const size = (part: string) => new TextEncoder().encode(part).length;
      assertEquals(parts.every((part) => size(part) <= most), true);
      const without = (whole: string) => whole.replaceAll("\n", "");
      assertEquals(without(parts.join("")), without(text));
      if (lines.every((line) => size(line) <= most)) assertEquals(parts.join("\n"), text);
    },
  ));
});

Deno.test("whoever is owed money is asked where it shall go, once for each refund that waits for it", () => {
  const due = { payment: "refund_due", fulfilment: "none", reason: "The kiln broke." } as const;
  const said = (kind: "refund_due" | "state" | "shipped", refundsAwaited: bigint[]) => {
    const [reply] = compose(kind, subject(due, { refundsAwaited, note: "Sorry." }));
    return reply?.kind === "status" && reply.message;
  };
  assertEquals(
    said("refund_due", [100_000n]),
    "Sorry. Answer with a Lightning address or an invoice over 100 sat.",
  );
  assertEquals(
    said("state", [100_000n, 50_500n]),
    "Sorry. Answer with a Lightning address or an invoice over 100 sat, and another over 50.5 sat.",
  );
  assertEquals(said("state", []), "Sorry.");
  assertEquals(said("shipped", [100_000n]), "Sorry.");
});
