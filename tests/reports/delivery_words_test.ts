import { assertEquals } from "@std/assert";
import { deliveryState, deliveryText } from "../../src/reports/delivery_words.ts";
import type { DeliveryRow, SentMessage } from "../../src/reports/order_story_store.ts";

const at = Date.UTC(2026, 0, 1, 12);

function row(relay: string, change: Partial<DeliveryRow> = {}): DeliveryRow {
  return {
    relay: `wss://${relay}`,
    state: "delivered",
    attempts: 1,
    next_at: at + 35_000,
    answer: "",
    reads: 0,
    resends: 0,
    updated_at: at,
    ...change,
  };
}

function sent(relays: DeliveryRow[], change: Partial<SentMessage> = {}): SentMessage {
  return {
    at,
    type: "payment_request",
    refusal: false,
    readsOurs: false,
    undeliveredAt: null,
    relays,
    ...change,
  };
}

const READS = { reads: 1 } as const;
const limited = { state: "pending", answer: "rate-limited: slow down" } as const;
const dead = { state: "pending", attempts: 3, answer: "no connection: refused within 10000 ms" } as const;

Deno.test("a delivery is told relay by relay, with what the customer reads", () => {
  const cases: [SentMessage, string, string][] = [
    [
      sent([row("a", READS)]),
      "delivered",
      "Payment request delivered: accepted by wss://a (the customer reads it).",
    ],
    [
      sent([row("a", READS), row("b"), row("c", limited), row("d", dead)]),
      "delivered",
      "Payment request delivered to 2 of 4 relays: accepted by wss://a (the customer reads it) and wss://b; " +
      "wss://c hasn't taken it (rate-limited: slow down), tried again at 2026-01-01 12:00:35 UTC; " +
      "wss://d hasn't taken it 3 times (no connection: refused within 10000 ms), tried again at 2026-01-01 12:00:35 UTC.",
    ],
    [
      sent([row("a"), row("b", { ...READS, ...dead })], { undeliveredAt: at + 60_000 }),
      "partly",
      "Payment request partly delivered (none of them is known to be read by the customer) to 1 of 2 relays: " +
      "accepted by wss://a; wss://b (the customer reads it) hasn't taken it 3 times " +
      "(no connection: refused within 10000 ms), tried again at 2026-01-01 12:00:35 UTC; " +
      "the owners were told at 2026-01-01 12:01:00 UTC.",
    ],
    [
      sent([row("a", { state: "pending", attempts: 0, answer: null })], { type: "status" }),
      "waiting",
      "Status message not delivered yet: wss://a hasn't been tried yet.",
    ],
    [
      sent([
        row("a", { state: "failed", answer: "pow: 28 bits needed" }),
        row("b", { state: "failed", answer: "blocked: spam" }),
        row("c", { state: "failed", answer: "no OK within 10000 ms" }),
        row("d", { state: "failed", answer: "accepted but not stored", resends: 3 }),
      ], { type: "digital" }),
      "failed",
      "Digital goods not delivered: wss://a wants proof of work, which a signed message can't be given later " +
      "(pow: 28 bits needed); wss://b refused it (blocked: spam); wss://c didn't take it, no further tries " +
      "(no OK within 10000 ms); wss://d said yes 4 times and never kept it.",
    ],
    [
      sent([], { refusal: true, readsOurs: true }),
      "delivered",
      "Refusal delivered: accepted by our own relay (the customer reads it).",
    ],
    [sent([], { type: null }), "failed", "Message not delivered: there is no relay to send it to."],
    // Where the customer reads isn't known: any relay will do.
    [
      sent([row("a"), row("b", { state: "failed", answer: "blocked" })]),
      "delivered",
      "Payment request delivered to 1 of 2 relays: accepted by wss://a; wss://b refused it (blocked).",
    ],
  ];
  for (const [message, state, text] of cases) {
    assertEquals([deliveryState(message), deliveryText(message)], [state, text]);
  }
});

Deno.test("a relay's words are cut", () => {
  const text = deliveryText(sent([row("a", { state: "failed", answer: `blocked: ${"x".repeat(500)}` })]));
  assertEquals(text.length < 250, true);
});
