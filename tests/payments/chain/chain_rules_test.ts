import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { bip21, btcText } from "../../../src/payments/chain/bip21.ts";
import {
  confirmationsOf,
  judge,
  type KnownOutput,
  nextLookUpAt,
  outpointOf,
  paidAt,
} from "../../../src/payments/chain/chain_rules.ts";
import type { ChainOutput } from "../../../src/payments/chain/chain_server.ts";
import { agreed } from "../../../src/payments/chain/second_opinion.ts";
import { offerable } from "../../../src/payments/payment_links.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ID = "a".repeat(64);

function said(height: number | null, more: Partial<ChainOutput> = {}): ChainOutput {
  return { txid: ID, vout: 0, amountSat: 5n, height, ...more };
}

function other(height: number | null, more: Partial<ChainOutput> = {}): ChainOutput {
  return said(height, { txid: "b".repeat(64), ...more });
}

function known(state: KnownOutput["state"], height: number | null): KnownOutput {
  return { txid: ID, vout: 0, amountSat: 5n, height, state };
}

Deno.test("confirmations: the block itself counts", () => {
  assertEquals(
    [[null, 10], [0, 10], [-1, 10], [11, 10], [10, 10], [9, 10]].map(([height, tip]) =>
      confirmationsOf(height!, tip!)
    ),
    [0, 0, 0, 0, 1, 2],
  );
});

const TABLE: [string, KnownOutput[], ChainOutput[], number, string[], number, boolean][] = [
  // what, known, said, confirmations, states that change, booked, pending — at height 10
  ["nothing", [], [], 1, [], 0, false],
  ["unconfirmed", [], [said(null)], 1, ["seen"], 0, true],
  ["unconfirmed, again", [known("seen", null)], [said(null)], 1, [], 0, true],
  ["unconfirmed counts for nothing, whatever is asked", [], [said(null)], 0, ["seen"], 0, true],
  ["confirmed at once", [], [said(10)], 1, ["booked"], 1, false],
  ["confirmed", [known("seen", null)], [said(10)], 1, ["booked"], 1, false],
  ["too few confirmations", [known("seen", null)], [said(10)], 2, ["seen"], 0, true],
  ["enough of them", [known("seen", 9)], [said(9)], 2, ["booked"], 1, false],
  ["a height of the future", [], [said(12)], 1, ["seen"], 0, true],
  ["doubted", [], [said(3, { doubted: true })], 1, ["seen"], 0, true],
  ["booked stays booked", [known("booked", 10)], [said(10)], 1, [], 0, false],
  ["booked, in another block", [known("booked", 9)], [said(10)], 1, ["booked"], 0, false],
  ["booked, whatever is asked now", [known("booked", 10)], [said(10)], 6, [], 0, false],
  ["replaced", [known("seen", null)], [], 1, ["replaced"], 0, false],
  ["replaced, again", [known("replaced", null)], [], 1, [], 0, false],
  ["there after all", [known("replaced", null)], [said(10)], 1, ["booked"], 1, false],
  ["its block is lost", [known("booked", 10)], [said(null)], 1, ["lost"], 0, false],
  ["gone with its block", [known("booked", 10)], [], 1, ["lost"], 0, false],
  ["a server that is behind", [known("booked", 11)], [said(null)], 1, [], 0, false],
  ["one that knows nothing of it yet", [known("booked", 11)], [], 1, [], 0, false],
  ["lost and found", [known("lost", null)], [said(10)], 1, ["booked"], 0, false],
  ["another one while a server is behind", [known("booked", 11)], [other(9)], 1, ["seen"], 0, true],
  ["another one beside it", [known("booked", 9)], [said(9), other(10)], 1, ["booked"], 1, false],
  ["another one of its amount", [known("booked", 10)], [other(10)], 1, ["replaced", "booked"], 1, false],
  ["the same, later", [known("lost", null)], [other(10)], 1, ["replaced", "booked"], 1, false],
  ["both, one in a block", [known("lost", null)], [said(null), other(10)], 1, ["seen", "booked"], 1, true],
  ["another one, unconfirmed", [known("lost", null)], [other(null)], 1, ["seen"], 0, true],
  ["one of another amount", [known("lost", null)], [other(10, { amountSat: 6n })], 1, ["booked"], 1, false],
];

for (const [what, before, now, confirmations, states, books, pending] of TABLE) {
  Deno.test(`judge(): ${what}`, () => {
    const judged = judge(before, now, { tip: 10, confirmations });
    assertEquals(judged.changes.map(({ state }) => state), states);
    assertEquals([judged.book.length, judged.pending], [books, pending]);
  });
}

Deno.test("what comes of the same amount takes the place of a lost output, once", () => {
  const lost = [known("lost", null), { ...known("lost", null), vout: 1, amountSat: 6n }];
  const now = [other(10), other(10, { vout: 1 }), other(10, { vout: 2, amountSat: 7n })];
  const judged = judge(lost, now, { tip: 10, confirmations: 1 });
  const name = (output: KnownOutput | null) => output && outpointOf(output).replace(/(.)\1+/, "$1");
  assertEquals(judged.book.map(({ output, insteadOf }) => [name(output), name(insteadOf)]), [
    ["b:0", "a:0"],
    ["b:1", null],
    ["b:2", null],
  ]);
  assertEquals(judged.lost.map(name), ["a:1"]);
});

const height = fc.option(fc.integer({ min: 1, max: 12 }), { nil: null });
const outputs = fc.uniqueArray(
  fc.record({
    txid: fc.constantFrom(ID, "b".repeat(64)),
    vout: fc.nat(2),
    amountSat: fc.constantFrom(5n, 6n),
    height,
  }),
  { selector: outpointOf },
);

Deno.test("judge(): however the chain goes, the books have each output once, and only what was confirmed", () => {
  const steps = fc.array(fc.tuple(outputs, fc.integer({ min: 1, max: 12 })), { maxLength: 12 });
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 3 }), (all, confirmations) => {
    const books = new Map<string, KnownOutput>();
    const money = new Map<string, bigint>();
    for (const [now, tip] of all) {
      const judged = judge([...books.values()], now, { tip, confirmations });
      for (const { output, insteadOf } of judged.book) {
        assert(confirmationsOf(output.height, tip) >= confirmations);
        if (insteadOf) {
          assertEquals(money.get(outpointOf(insteadOf)), output.amountSat);
          money.delete(outpointOf(insteadOf));
        }
        assert(!money.has(outpointOf(output)), "booked twice");
        money.set(outpointOf(output), output.amountSat);
      }
      for (const one of judged.changes) books.set(outpointOf(one), one);
      const booked = [...books.values()].filter(({ state }) => state === "booked" || state === "lost");
      assertEquals(new Set(booked.map(outpointOf)), new Set(money.keys()));
      assertEquals(judged.lost, booked.filter(({ state }) => state === "lost"));
      // The same once more changes nothing.
      const again = judge([...books.values()], now, { tip, confirmations });
      assertEquals([again.changes, again.book], [[], []]);
    }
  }));
});

Deno.test("BIP 21: an amount is a decimal number of bitcoin, rounded up to whole sat", () => {
  const table: [bigint, string][] = [
    [1n, "0.00000001"],
    [10_000n, "0.0001"],
    [100_000_000n, "1"],
    [123_456_789n, "1.23456789"],
    [2_100_000_000_000_000n, "21000000"],
  ];
  for (const [sat, text] of table) assertEquals(btcText(sat), text);
  assertEquals(bip21("bc1qq", 1_001n), "bitcoin:bc1qq?amount=0.00000002");
  fc.assert(fc.property(fc.bigInt({ min: 1n, max: 2_100_000_000_000_000n }), (sat) => {
    assertEquals(BigInt(Math.round(Number(btcText(sat).split(".")[0]))) * 100_000_000n <= sat, true);
    const [whole, part = ""] = btcText(sat).split(".");
    assertEquals(BigInt(whole!) * 100_000_000n + BigInt(part.padEnd(8, "0")), sat);
    const link = bip21("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", sat * 1000n);
    assertEquals(offerable([{ type: "btc", link }]).length, 1);
  }));
});

Deno.test("an address is asked about often, then every ten minutes, then nightly and for ever", () => {
  const plan = { createdAt: 0, orderExpiresAt: 15 * MINUTE, pending: false, chance: 0 };
  assertEquals(nextLookUpAt({ ...plan, now: MINUTE }), MINUTE + 30_000);
  assertEquals(nextLookUpAt({ ...plan, now: 16 * MINUTE }), 26 * MINUTE);
  assertEquals(nextLookUpAt({ ...plan, now: 16 * MINUTE, pending: true }), 17 * MINUTE);
  assertEquals(nextLookUpAt({ ...plan, orderExpiresAt: null, now: 23 * HOUR }), 23 * HOUR + 10 * MINUTE);
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 20_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (days, chance) => {
        const now = days * 24 * HOUR;
        const pause = nextLookUpAt({ ...plan, now, chance }) - now;
        assert(pause >= 23 * HOUR && pause <= 25 * HOUR);
      },
    ),
  );
});

Deno.test("a payment counts from when it was seen, if a block had it within a day; or from its block", () => {
  const at = { seenAt: 10 * HOUR, height: 7, tip: 7, now: 10 * HOUR };
  assertEquals(paidAt(at), 10 * HOUR);
  assertEquals(paidAt({ ...at, now: 34 * HOUR }), 10 * HOUR);
  assertEquals(paidAt({ ...at, now: 44 * HOUR }), 20 * HOUR);
  // It waited for six blocks.
  assertEquals(paidAt({ ...at, now: 35 * HOUR, tip: 13 }), 10 * HOUR);
  // Nobody looked for a day: ten minutes a block.
  assertEquals(paidAt({ ...at, seenAt: 24 * HOUR, now: 24 * HOUR, tip: 7 + 6 * 20 }), 4 * HOUR);
});

Deno.test("a large output needs another server's word; a small one doesn't", async () => {
  let asked = 0;
  // Null: it can't be asked.
  const others = (...answers: (ChainOutput[] | null)[]) =>
    async function* () {
      for (const answer of answers) {
        asked++;
        if (answer) yield await Promise.resolve(answer);
      }
    };
  const large = said(9, { amountSat: 1_000_000n });
  assertEquals(await agreed([said(9)], others(null)), [said(9)]);
  assertEquals(await agreed([said(null, { amountSat: 1_000_000n })], others(null)), [
    said(null, { amountSat: 1_000_000n }),
  ]);
  assertEquals(asked, 0);
  assertEquals(await agreed([large], others(null)), [{ ...large, doubted: true }]);
  assertEquals(await agreed([large], others([{ ...large, height: null }])), [{ ...large, doubted: true }]);
  assertEquals(await agreed([large], others([large])), [large]);
  asked = 0;
  assertEquals(await agreed([large], others(null, [], [large], [large])), [large]);
  assertEquals(asked, 3);
  // Many small ones are a large one.
  const small = [0, 1].map((vout) => said(9, { vout, amountSat: 500_000n }));
  assertEquals((await agreed(small, others([]))).every(({ doubted }) => doubted), true);
});
