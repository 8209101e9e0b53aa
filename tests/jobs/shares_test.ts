import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { shares, type Use } from "../../src/jobs/shares.ts";

const lane = (merchant: string, at = 0, kind = "work") => ({ kind, merchant, at });
const use = (ofOne: number, taken: Record<string, number> = {}): Use => ({
  ofOne,
  leaseMs: 1,
  taken: new Map(Object.entries(taken)),
});
const limits = (due: ReturnType<typeof lane>[], one: Use) =>
  shares(due, new Map([["work", one]])).map(({ merchant, limit }) => [merchant, limit]);

Deno.test("one merchant gets a quarter of all slots at most, less what runs already", () => {
  assertEquals(limits([lane("a")], use(4)), [["a", 4]]);
  assertEquals(limits([lane("a")], use(4, { a: 3 })), [["a", 1]]);
  assertEquals(limits([lane("a")], use(4, { a: 4 })), []);
  assertEquals(limits([lane("a"), lane("b")], use(4, { a: 4 })), [["b", 4]]);
});

Deno.test("who has fewest running comes first, then who waits longest", () => {
  assertEquals(
    limits([lane("a", 1), lane("b", 3), lane("c", 2)], use(4, { a: 1 })).map(([merchant]) => merchant),
    ["c", "b", "a"],
  );
});

Deno.test("the last quarter is for merchants of whom nothing runs", () => {
  const three = { a: 4, b: 4, c: 4 };
  assertEquals(limits([lane("a"), lane("d"), lane("e")], use(4, three)), [["d", 1], ["e", 1]]);
  assertEquals(limits([lane("d"), lane("e")], use(4, { ...three, d: 1 })), [["e", 1]]);
  assertEquals(limits([lane("f")], use(4, { ...three, d: 2, e: 2 })), []);
});

Deno.test("a lane that is due twice over is one, and other kinds have slots of their own", () => {
  const due = [lane("a", 5), lane("a", 3), lane("b", 4), lane("a", 1, "other"), lane("a", 1, "unknown")];
  const both = new Map([["work", use(1, { c: 3 })], ["other", use(2)]]);
  assertEquals(shares(due, both), [
    { kind: "work", merchant: "a", limit: 1, leaseMs: 1 },
    { kind: "other", merchant: "a", limit: 2, leaseMs: 1 },
  ]);
});

Deno.test("shares never exceed the slots, and leave nobody out while there is room (property)", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 5 }),
    fc.uniqueArray(fc.constantFrom(...names)),
    fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 5 })),
    (ofOne, merchants, running) => {
      let room = ofOne * 4;
      const taken = new Map<string, number>();
      for (const [merchant, n] of Object.entries(running)) {
        taken.set(merchant, Math.min(n, ofOne, room));
        room -= taken.get(merchant)!;
      }
      const given = new Map(
        shares(merchants.map((one) => lane(one)), new Map([["work", { ofOne, leaseMs: 1, taken }]]))
          .map(({ merchant, limit }) => [merchant, limit]),
      );
      const sum = [...given.values()].reduce((a, b) => a + b, 0);
      assert(sum <= room, "more than there are");
      for (const [merchant, limit] of given) assert((taken.get(merchant) ?? 0) + limit <= ofOne);
      const none = merchants.filter((merchant) => !taken.get(merchant));
      assertEquals(none.filter((merchant) => given.has(merchant)).length, Math.min(none.length, room));
      if (sum < room - ofOne) {
        for (const merchant of merchants) {
          assertEquals((taken.get(merchant) ?? 0) + (given.get(merchant) ?? 0), ofOne);
        }
      }
    },
  ));
});
