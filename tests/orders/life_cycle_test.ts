import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { next } from "../../src/orders/life_cycle.ts";
import { statusOf } from "../../src/orders/status.ts";
import type { Effect, OrderEvent, OrderState, Outcome } from "../../src/orders/types.ts";
import { allBack, events, states } from "./samples.ts";

const NOW = 1_800_000_000_000;
const DIGITAL: OrderState["digital"][] = ["none", "part", "whole"];

Deno.test("every pair of state and event has the outcome that the table says", async () => {
  const expected = await Deno.readTextFile(new URL("life_cycle.table.txt", import.meta.url));
  const lines: string[] = [];
  for (const [name, event] of Object.entries(events)) {
    lines.push("", name);
    for (const [from, state] of Object.entries(states)) {
      const outcome = next(asOf(state, event), event, NOW);
      if (outcome.ignored && outcome.effects.length === 0) continue;
      const to = outcome.ignored ? "ignored" : `${outcome.state.payment}/${outcome.state.fulfilment}`;
      lines.push(`  ${from} → ${to}: ${outcome.effects.map(effectText).join(", ") || "nothing"}`);
    }
  }
  assertEquals(lines, expected.trimEnd().split("\n").slice(2));
});

Deno.test("every pair, from every state that events lead to, keeps the rules of an order's life", () => {
  const seen = new Map<string, OrderState>();
  const waiting = [states.new!, { ...states.new!, digital: "part" as const }, {
    ...states.new!,
    digital: "whole" as const,
  }];
  while (waiting.length > 0) {
    const state = waiting.pop()!;
    if (seen.has(keyOf(state))) continue;
    seen.set(keyOf(state), state);
    for (const event of Object.values(events)) {
      const before = asOf(state, event);
      const outcome = next(before, event, NOW);
      check(before, event, outcome);
      waiting.push(outcome.state);
    }
  }
  const reached = new Set([...seen.values()].map(({ payment, fulfilment }) => `${payment}/${fulfilment}`));
  assertEquals([...reached].sort(), REACHABLE.toSorted());
});

const REACHABLE = [
  "quoting/none",
  "awaiting/none",
  "held/none",
  "expired/none",
  "cancelled/none",
  "rejected/none",
  "failed/none",
  "paid/unfulfilled",
  "paid/shipped",
  "paid/delivered",
  "overpaid/unfulfilled",
  "overpaid/shipped",
  "overpaid/delivered",
  "refund_due/none",
  "refund_due/unfulfilled",
  "refund_due/shipped",
  "refund_due/delivered",
  "refunded/none",
];

Deno.test("a state that no event leads to is a fault", () => {
  for (
    const wrong of [
      { ...states.paid!, fulfilment: "none" },
      { ...states.awaiting!, fulfilment: "shipped" },
      { ...states.expired!, fulfilment: "unfulfilled" },
      { ...states.refunded!, fulfilment: "delivered" },
    ] as OrderState[]
  ) assertThrows(() => next(wrong, events.requested!, NOW), Error, "an order can't be");
});

Deno.test("over any life all money is counted, goods are taken or released once, and no silence meets a customer", () => {
  const anyEvent = fc.constantFrom(...Object.values(events));
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 30 }), fc.constantFrom(...DIGITAL), (story, digital) => {
      let state: OrderState = { ...states.new!, digital };
      let received = 0n;
      let held = true;
      for (const event of story) {
        state = asOf(state, event);
        const outcome = next(state, event, NOW);
        // Whoever tries an order again holds its goods first.
        if (event.type === "retried" && event.reason === undefined && !outcome.ignored) held = true;
        check(state, event, outcome);
        if (event.type === "paymentSeen") received += event.amountMsat;
        for (const effect of outcome.effects) {
          if (effect.do === "releaseStock" || effect.do === "commitStock") held = false;
        }
        state = outcome.state;
        assertEquals(state.receivedMsat, received);
        const open = ["quoting", "awaiting", "held"].includes(state.payment);
        assertEquals(held, open, `${state.payment} after ${event.type}`);
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("digital goods are delivered by their payment", () => {
  const outcome = next({ ...states.awaiting!, digital: "whole" }, events["paid in full"]!, NOW);
  assertEquals([outcome.state.payment, outcome.state.fulfilment], ["paid", "delivered"]);
  assertEquals(outcome.effects.map(effectText), [
    "voidInvoice",
    "commitStock",
    "reply paid",
    "deliverDigital",
    "notify paid",
  ]);
  assertEquals(statusOf(outcome.state), "completed");
});

Deno.test("the digital part of an order is sent at once, and the rest is to be shipped", () => {
  const outcome = next({ ...states.awaiting!, digital: "part" }, events["paid in full"]!, NOW);
  assertEquals([outcome.state.payment, outcome.state.fulfilment], ["paid", "unfulfilled"]);
  assert(outcome.effects.some((effect) => effect.do === "deliverDigital"));
});

Deno.test("what was cancelled isn't sold by a payment that comes later", () => {
  const outcome = next(states.cancelled!, events["paid in full"]!, NOW);
  assertEquals([outcome.state.payment, outcome.state.fulfilment], ["refund_due", "none"]);
  assertEquals(outcome.reason, "The payment came after the order was cancelled.");
});

Deno.test("an order's price stands for a day after its time was up; what comes later goes back, and may be accepted", () => {
  const paid = (lateMs: number, state = states.expired!) =>
    next(state, { type: "paymentSeen", amountMsat: 21_840_000n, stock: "available", lateMs }, NOW);
  assertEquals(paid(24 * 3_600_000).state.payment, "paid");
  const late = paid(24 * 3_600_000 + 1);
  assertEquals([late.state.payment, late.reason], [
    "refund_due",
    "The payment came more than a day after the order's time was up.",
  ]);
  const accepted = next(late.state, events.accepted!, NOW);
  assertEquals([accepted.state.payment, accepted.effects[0]], ["paid", { do: "cancelRefunds" }]);
  // An order that still waits stands, whatever the clock says.
  assertEquals(paid(24 * 3_600_000 + 1, states.awaiting!).state.payment, "paid");
});

Deno.test("less than a sat is neither owed nor credited", () => {
  const pay = (amountMsat: bigint) =>
    next(states.awaiting!, { type: "paymentSeen", amountMsat, stock: "held", lateMs: 0 }, NOW).state.payment;
  assertEquals(pay(21_840_000n), "paid");
  assertEquals(pay(21_839_001n), "paid");
  assertEquals(pay(21_839_000n), "awaiting");
  assertEquals(pay(21_840_999n), "paid");
  assertEquals(pay(21_841_000n), "overpaid");
  assertEquals(pay(0n), "awaiting");
});

Deno.test("parts add up to the whole", () => {
  const part: OrderEvent = { type: "paymentSeen", amountMsat: 10_920_000n, stock: "held", lateMs: 0 };
  const first = next(states.awaiting!, part, NOW);
  assertEquals(first.state.payment, "awaiting");
  assertEquals(
    next(first.state, events.invoiced!, NOW).timeline,
    "Payment request for the rest: 10,920 sat.",
  );
  assertEquals(next(first.state, part, NOW).state.payment, "paid");
});

Deno.test("an amendment counts a revision; one that is refused doesn't", () => {
  assertEquals(next(states.awaiting!, events["amended, same total"]!, NOW).state.revision, 2);
  assertEquals(next(states.awaiting!, events["amended, other total"]!, NOW).state, {
    ...states.quoting!,
    totalMsat: 30_000_000n,
    revision: 2,
  });
  assertEquals(next(states.awaiting!, events["amended, unpriceable"]!, NOW).state.revision, 1);
});

Deno.test("an order whose money is on its way back is refunded when all has gone, and isn't taken after all", () => {
  const [openMsat, outMsat] = [0n, 0n];
  const due = states["refund due"]!;
  const half = { ...due, refunds: { openMsat, outMsat, backMsat: 10_920_000n } };
  assert(next(half, events.refunded!, NOW).ignored);
  assertEquals(
    next(half, events.refunded!, NOW).timeline,
    "Nothing changed: 10,920 sat are still to be refunded.",
  );
  assert(next(half, events.accepted!, NOW).ignored);
  assert(next(states["refund due, sending"]!, events.accepted!, NOW).ignored);
  assert(next(states["paid twice, sending back"]!, events.accepted!, NOW).ignored);
  assertEquals(next(due, events.accepted!, NOW).effects[0], { do: "cancelRefunds" });
  // Less than a sat can't be sent and isn't waited for.
  const nearly = { ...due, refunds: { openMsat, outMsat, backMsat: 21_839_001n } };
  assertEquals(next(nearly, events.refunded!, NOW).state.payment, "refunded");
});

Deno.test("what went back before isn't promised again", () => {
  const back = (backMsat: bigint) => ({ ...states.paid!, refunds: { openMsat: 0n, outMsat: 0n, backMsat } });
  const note = (outcome: Outcome) => outcome.effects.find((effect) => effect.do === "reply")!.note;
  const cancel = events.merchantCancelled!;
  assertEquals(
    note(next(back(0n), cancel, NOW)),
    "The kiln broke. You'll get back the 21,840 sat that you paid.",
  );
  assertEquals(
    note(next(back(1_840_000n), cancel, NOW)),
    "The kiln broke. You'll get back the other 20,000 sat that you paid, too.",
  );
  const whole = next(back(21_840_000n), cancel, NOW);
  assertEquals([whole.state.payment, note(whole)], [
    "refunded",
    "The kiln broke. Your payment has been refunded.",
  ]);
});

Deno.test("the excess has gone back when nothing of it is open; a credit beside it stays", () => {
  const twice = states["paid twice"]!;
  const refunds = { openMsat: 0n, outMsat: 0n, backMsat: 21_840_000n };
  assertEquals(next({ ...twice, refunds }, events.refunded!, NOW).state.payment, "paid");
  for (const open of [{ openMsat: 1n }, { outMsat: 1n }, { backMsat: 0n }]) {
    assert(next({ ...twice, refunds: { ...refunds, ...open } }, events.refunded!, NOW).ignored);
  }
  const credit = { ...twice, receivedMsat: twice.receivedMsat + 5_000_000n, refunds };
  assertEquals(next(credit, events.refunded!, NOW).state.payment, "overpaid");
});

Deno.test("what another system sells, too, is confirmed by it before anything is asked for", () => {
  const doesWhat = (state: OrderState, event: OrderEvent) =>
    next({ ...state, confirmedElsewhere: true }, event, NOW).effects.map((effect) => effect.do);
  assertEquals(doesWhat(states.new!, events.stockAwaited!), ["awaitStock"]);
  assertEquals(doesWhat(states.quoting!, events.stockReserved!), ["createInvoice"]);
  assertEquals(doesWhat(states.awaiting!, events["amended, other total"]!), ["voidInvoice", "awaitStock"]);
  assertEquals(doesWhat(states.rejected!, events.retried!), ["awaitStock"]);
});

Deno.test("status words follow from both axes", () => {
  const words = Object.entries(states).map(([name, state]) => [name, statusOf(state)]);
  assertEquals(Object.fromEntries(words), {
    new: "pending",
    quoting: "pending",
    awaiting: "pending",
    "awaiting rest": "pending",
    held: "pending",
    expired: "cancelled",
    cancelled: "cancelled",
    rejected: "failed",
    failed: "failed",
    paid: "processing",
    "paid shipped": "processing",
    "paid delivered": "completed",
    overpaid: "processing",
    "paid twice": "processing",
    "paid twice, delivered": "processing",
    "paid twice, sending back": "processing",
    "refund due": "processing",
    "refund due, sending": "processing",
    refunded: "refunded",
  });
});

/** What holds for any state and any event. */
function check(state: OrderState, event: OrderEvent, outcome: Outcome): void {
  const to = outcome.state;
  const what = `${event.type} from ${state.payment}/${state.fulfilment}`;
  assert(/^[A-Z"0-9].*[.]$/.test(outcome.timeline), `${what}: "${outcome.timeline}" is no sentence`);
  if (outcome.ignored) assertEquals(to, state, what);

  const paid = event.type === "paymentSeen" ? event.amountMsat : 0n;
  assertEquals(to.receivedMsat, state.receivedMsat + paid, `${what}: money`);
  if (to.receivedMsat > 0n) {
    assert(!["expired", "cancelled", "rejected", "failed"].includes(to.payment), `${what}: money forgotten`);
  }
  const settled = (s: OrderState) => s.payment === "paid" || s.payment === "overpaid";
  if (settled(to) && !settled(state)) {
    assert(["paymentSeen", "accepted", "refunded"].includes(event.type), `${what}: paid on somebody's word`);
    assert(to.receivedMsat > 0n, what);
  }
  if (["expired", "cancelled", "rejected", "failed"].includes(to.payment) && to.payment !== state.payment) {
    assert(outcome.reason, `${what}: no reason kept`);
  }

  const done = outcome.effects.map((effect) => effect.do);
  assertEquals(
    new Set(done.filter((each) => each !== "reply")).size,
    done.filter((each) => each !== "reply").length,
  );
  assert(!(done.includes("releaseStock") && done.includes("commitStock")), what);
  for (const effect of outcome.effects) {
    if (effect.do !== "reply") continue;
    const afterPayment = ["paid", "digital", "shipped", "delivered", "state", "refund_due", "refunded"]
      .includes(
        effect.reply,
      );
    assert(!afterPayment || to.receivedMsat > 0n, `${what}: type 2 before payment`);
    if (effect.note !== undefined) assert(/[.]$/.test(effect.note), `${what}: "${effect.note}"`);
  }
  if (to.payment === "refund_due" && paid > 0n) assert(done.includes("notify"), `${what}: nobody is told`);
  const owes = to.payment === "refund_due" && (paid > 0n || to.payment !== state.payment);
  if (owes) assert(done.includes("refund"), `${what}: nothing in the ledger`);
  if (to.payment === "refunded") {
    assert(to.receivedMsat - to.refunds.backMsat < 1_000n, `${what}: refunded before it was`);
  }

  // Design §2: whatever a customer asks gets one clear answer, at once or by the invoice that is on its way.
  const ended = ["expired", "cancelled", "rejected", "failed"].includes(state.payment);
  const asks = ["requested", "amended", "customerCancelled"].includes(event.type);
  if (asks || (event.type === "retried" && ended)) {
    const answered = done.includes("reply") || done.includes("resendInvoice");
    assert(answered || to.payment === "quoting", `${what}: silence`);
  }
}

function effectText(effect: Effect): string {
  if (effect.do === "reply") return `reply ${effect.reply}`;
  if (effect.do === "refund") return effect.amountMsat === null ? "refund all" : "refund payment";
  return effect.do === "notify" ? `notify ${effect.what}` : effect.do;
}

/** `refunded` is said when the ledger has given everything back. */
function asOf(state: OrderState, event: OrderEvent): OrderState {
  return event.type === "refunded" ? allBack(state) : state;
}

/** States that differ only in the size of their money are walked once. */
function keyOf(state: OrderState): string {
  const { payment, fulfilment, receivedMsat, totalMsat, digital } = state;
  const money = receivedMsat === 0n ? 0 : receivedMsat < totalMsat ? 1 : receivedMsat === totalMsat ? 2 : 3;
  return JSON.stringify([payment, fulfilment, money, totalMsat === 0n, digital]);
}
