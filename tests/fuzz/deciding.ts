import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { checkBooks } from "../support/books.ts";
import type { Answer } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";
import { mustBe } from "./oracle.ts";
import { honestOrder, hostileText, MERCHANT } from "./texts.ts";

/** Messages of one shop's day. */
const A_DAY = 25;
const CUSTOMERS = 12;
const OPEN_EACH = 3;
const STALE_SECONDS = 49 * 3_600;

const message = fc.record({
  who: fc.nat(CUSTOMERS - 1),
  envelope: fc.constantFrom("nip04" as const, "nip17" as const),
  age: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constantFrom(-60, 3_600, STALE_SECONDS)),
  text: fc.oneof(
    honestOrder.map(({ content, id }) => ({ content, id: String(id), must: "order" as const })),
    hostileText.map((content) => ({ content, id: null, must: mustBe(content) })),
  ),
});

/** What a shop's day of hostile messages came to. */
export interface DecidingReport {
  messages: number;
  answers: number;
}

/**
 * Sends hostile and honest messages through a whole shop on SQLite in memory: each ends, each question has its answer, nobody
 * is answered who asked nothing, and neither the stock nor the number of open orders goes over its bounds.
 */
export async function fuzzDeciding(numRuns: number, seed?: number): Promise<DecidingReport> {
  const report = { messages: 0, answers: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: A_DAY, maxLength: A_DAY }), async (day) => {
      await using shop = await Shop.open({ terms: { maxOpenOrders: OPEN_EACH } });
      await shop.shelf.product({ id: "sand", name: "Sand", quantity: null });
      const customers = Array.from({ length: CUSTOMERS }, (_, i) => ({
        asked: new Set<string>(),
        unclear: false,
        speaks: (envelope: "nip04" | "nip17") => shop.customer(`customer ${i}`, envelope),
      }));
      const now = Math.floor(shop.clock.now() / 1000);
      for (const { who, envelope, age, text } of day) {
        // The library that customers write with can't send nothing.
        const content = text.content.replaceAll(MERCHANT, shop.merchant) || " ";
        await customers[who]!.speaks(envelope).writes(content, { at: now - age });
        if (age === STALE_SECONDS || text.must === "nothing" || content.length > 40_000) {
          customers[who]!.unclear ||= content.length > 40_000;
        } else if (text.must === "order" && text.id !== null) customers[who]!.asked.add(text.id);
        else if (text.must !== null) customers[who]!.asked.add("");
        else customers[who]!.unclear = true;
      }
      await shop.settle();
      report.messages += day.length;

      const inbox = await shop.database.kysely.selectFrom("inbox").select("state").execute();
      assert(inbox.every(({ state }) => state === "done" || state === "dropped"), JSON.stringify(inbox));
      for (const [i, { asked, unclear, speaks }] of customers.entries()) {
        const answers: Answer[] = await speaks("nip04").hears();
        report.answers += answers.length;
        const ids = new Set(answers.map((answer) => String(answer.id ?? "")));
        for (const id of asked) {
          assert(id === "" ? ids.size > 0 : ids.has(id), `customer ${i}: no answer to ${id}`);
        }
        if (asked.size === 0 && !unclear) assertEquals(answers, [], `customer ${i} asked nothing`);
      }
      await checkBooks(shop);
      const open = (await shop.orders()).filter(({ payment }) => ["quoting", "awaiting"].includes(payment));
      for (const own of Map.groupBy(open, ({ customer }) => customer).values()) {
        assert(own.length <= OPEN_EACH);
      }
      const { onHand, held } = await shop.stock();
      assert(held <= onHand!);
    }),
    // A smaller day isn't looked for: each try is a whole shop.
    { numRuns: Math.ceil(numRuns / A_DAY), endOnFailure: true, ...(seed !== undefined && { seed }) },
  );
  return report;
}
