import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { type MessageReading, phrase, readMessage } from "../../src/dialects/dialects.ts";
import { type HonestOrder, honestOrder, hostileText, MERCHANT } from "./texts.ts";
import { mustBe } from "./oracle.ts";

/** A reading takes less than a millisecond; a pattern that chokes takes minutes. In between lies a busy machine. */
const LONGEST_MS = 2_000;
const LONGEST_TEXT = 64 * 1024;

/** How often each kind of reading came out, and the longest of them (ms). */
export interface ReadingReport {
  seen: Record<string, number>;
  slowestMs: number;
}

/** Reads hostile texts and honest orders and checks what must hold of each reading. Throws with the seed when it doesn't. */
export function fuzzReading(numRuns: number, seed?: number): ReadingReport {
  const report: ReadingReport = { seen: {}, slowestMs: 0 };
  const either = fc.oneof(
    { weight: 4, arbitrary: hostileText.map((content) => ({ content, honest: null })) },
    { weight: 1, arbitrary: honestOrder.map((honest) => ({ content: honest.content, honest })) },
  );
  fc.assert(
    fc.property(either, fc.constantFrom(4, 14), ({ content, honest }, kind) => {
      const started = performance.now();
      const reading = readMessage(content, { kind, tags: [], merchant: MERCHANT });
      const ms = performance.now() - started;
      report.slowestMs = Math.max(report.slowestMs, ms);
      report.seen[reading.type] = (report.seen[reading.type] ?? 0) + 1;
      assert(ms < LONGEST_MS, `took ${Math.round(ms)} ms`);
      if (honest) checkHonest(reading, honest);
      else checkMust(reading, content);
      checkReading(reading);
    }),
    { numRuns, ...(seed !== undefined && { seed }) },
  );
  return report;
}

function checkHonest(reading: MessageReading, honest: HonestOrder): void {
  assert(reading.type === "order", `an honest order was read as ${JSON.stringify(reading)}`);
  assertEquals(reading.request.customerOrderId, String(honest.id));
  assertEquals(reading.request.items, honest.items);
}

/** No silence: what can't be anything but an order gets its answer. And nothing else does. */
function checkMust(reading: MessageReading, content: string): void {
  const must = content.length > LONGEST_TEXT ? null : mustBe(content);
  const answered = ["order", "invalid_order", "cancel"].includes(reading.type);
  if (must === "order") assert(reading.type === "order" || reading.type === "invalid_order", reading.type);
  if (must === "cancellation") {
    assert(reading.type === "cancel" || reading.type === "invalid_order", reading.type);
  }
  if (must === "nothing") {
    assert(!answered || isUnreadable(reading), `${reading.type}, and nothing was asked`);
  }
}

/** Too long or too deep: nobody can tell what it is, and who meant it as an order hears why it isn't one. */
function isUnreadable(reading: MessageReading): boolean {
  return reading.type === "invalid_order" && /longer than|nested too deeply/.test(reading.reason);
}

function checkReading(reading: MessageReading): void {
  switch (reading.type) {
    case "order": {
      const { customerOrderId, items, contact, name, address, message, traits } = reading.request;
      assert(customerOrderId.length > 0 && customerOrderId.length <= 256);
      assert(items.length >= 1 && items.length <= 100);
      for (const { productId, quantity } of items) {
        assert(Number.isInteger(quantity) && quantity >= 1 && quantity <= 10_000);
        assert(productId.length <= 1_024 && !productId.includes("\0") && productId.isWellFormed());
      }
      for (const text of [name, address, message, ...Object.entries(contact).flat()]) {
        // deno-lint-ignore no-control-regex -- that there is none is the point
        assert(!/[\u0000-\u0008\u000B-\u001F\u202A-\u202E]/.test(text ?? "") && (text ?? "").isWellFormed());
        assert((text ?? "").length <= 8_000);
      }
      return echoes(reading.dialect, customerOrderId, traits);
    }
    case "cancel":
      return echoes(reading.dialect ?? "nip15", reading.customerOrderId, reading.traits);
    case "invalid_order":
      assert(reading.reason.length > 0 && reading.reason.length < 300);
      assertEquals(reading.traits.withoutId === true, reading.customerOrderId === null);
      return echoes(reading.dialect, reading.customerOrderId ?? "", reading.traits);
    case "chat":
      return assert(
        reading.text.length <= LONGEST_TEXT && !reading.text.includes("\0") && reading.text.isWellFormed(),
      );
    case "twin":
    case "claim":
    case "bot":
      return assert((reading.orderRef ?? "").length <= 256);
  }
}

/** Every answer is pure JSON with a number for its type and the customer's own id, and reads as no order itself. */
function echoes(
  dialect: string,
  customerOrderId: string,
  traits: Parameters<typeof phrase>[1]["traits"],
): void {
  const order = { dialect, customerOrderId, traits, envelope: "nip04" as const };
  for (const text of phrase({ kind: "refusal", reason: "no", cancelled: false }, order)) {
    const answer = JSON.parse(text);
    assert(answer.type === 1 || answer.type === 2);
    if (traits.withoutId) assert(!("id" in answer));
    else if (traits.numericId) assert(text.startsWith(`{"id":${customerOrderId},`), text);
    else assertEquals(answer.id, customerOrderId);
    assertEquals(readMessage(text, { kind: 4, tags: [], merchant: MERCHANT }).type, "bot");
  }
}
