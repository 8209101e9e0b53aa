import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LruMap } from "../../src/nostr/lru_map.ts";

Deno.test("LruMap forgets what was not asked for the longest", () => {
  const map = new LruMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.get("a");
  map.set("c", 3);
  assertEquals([map.get("a"), map.get("b"), map.get("c")], [1, undefined, 3]);
  map.set("a", 4);
  map.set("d", 5);
  assertEquals([map.get("a"), map.get("c"), map.get("d")], [4, undefined, 5]);
});

Deno.test("LruMap never grows beyond its size and always has what was set last", () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(9)), (size, keys) => {
    const map = new LruMap<number, number>(size);
    for (const key of keys) {
      map.set(key, key);
      assertEquals(map.get(key), key);
      assertEquals(map.size <= size, true);
    }
    assertEquals(map.size, Math.min(size, new Set(keys).size));
  }));
});

Deno.test("LruMap refuses a size without room", () => {
  for (const size of [0, -1, 1.5, NaN]) assertThrows(() => new LruMap(size));
});
