import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { merge, settle, type Shared, SHARED_FIELDS } from "../../../src/medusa/catalogue/merge.ts";

/** Few values, so that both sides often say the same. */
const value = fc.constantFrom<unknown>("a", "b", ["a"], ["a", "b"], true, false);
const shared: fc.Arbitrary<Shared> = fc.record(
  Object.fromEntries(SHARED_FIELDS.map((field) => [field, value])) as Record<keyof Shared, typeof value>,
  { noNullPrototype: true },
);
const three = fc.tuple(shared, shared, shared);

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

Deno.test("what one side changed counts, and what both changed is the merchant's until they decide", () => {
  const all = (name: string): Shared => ({
    name,
    description: "",
    images: [],
    specs: [],
    categories: [],
    active: true,
    digital: false,
  });
  const table: [
    base: string,
    ours: string,
    theirs: string,
    merged: string,
    next: string,
    conflicts: number,
  ][] = [
    ["a", "a", "a", "a", "a", 0],
    ["a", "b", "a", "b", "a", 0],
    ["a", "a", "b", "b", "b", 0],
    ["a", "b", "b", "b", "b", 0],
    ["a", "b", "c", "b", "a", 1],
  ];
  for (const [base, ours, theirs, merged, next, conflicts] of table) {
    const done = merge(all(base), all(ours), all(theirs));
    assertEquals([done.merged.name, done.base.name, done.conflicts.length], [merged, next, conflicts]);
    if (conflicts > 0) assertEquals(done.conflicts, [{ field: "name", ours, theirs }]);
  }
});

Deno.test("a change of one side is never lost, and never touches what the other one changed", () => {
  fc.assert(fc.property(three, ([base, ours, theirs]) => {
    const { merged, conflicts } = merge(base, ours, theirs);
    for (const field of SHARED_FIELDS) {
      const [mine, yours] = [!same(base[field], ours[field]), !same(base[field], theirs[field])];
      if (mine) assertEquals(merged[field], ours[field]);
      else assertEquals(merged[field], theirs[field]);
      const both = mine && yours && !same(ours[field], theirs[field]);
      assertEquals(conflicts.some((one) => one.field === field), both);
    }
  }));
});

Deno.test("merging again changes nothing", () => {
  fc.assert(fc.property(three, ([base, ours, theirs]) => {
    const once = merge(base, ours, theirs);
    assertEquals(merge(once.base, once.merged, theirs), once);
  }));
});

Deno.test("without a change of Medusa's all stays as it is, and without one of the merchant's all is Medusa's", () => {
  fc.assert(fc.property(shared, shared, (base, other) => {
    assertEquals(merge(base, other, base), { merged: other, base, conflicts: [] });
    assertEquals(merge(base, base, other), { merged: other, base: other, conflicts: [] });
  }));
});

Deno.test("a decided conflict is none any more, and says what was decided", () => {
  fc.assert(
    fc.property(three, fc.constantFrom("ours" as const, "theirs" as const), ([base, ours, theirs], take) => {
      const found = merge(base, ours, theirs);
      for (const conflict of found.conflicts) {
        const settled = settle(found.base, found.merged, conflict, take);
        const again = merge(settled.base, settled.merged, theirs);
        assertEquals(again.conflicts.some(({ field }) => field === conflict.field), false);
        assertEquals(again.merged[conflict.field], conflict[take]);
        assertEquals(again.conflicts.length, found.conflicts.length - 1);
      }
    }),
  );
});
