import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeCursor, encodeCursor, page } from "../../src/db/keyset.ts";

Deno.test("a cursor is read back as it was written, whatever the key holds", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), fc.string({ unit: "binary" }), (time, id) => {
    fc.pre(!id.includes("\0") && id.isWellFormed());
    const cursor = encodeCursor([time, id]);
    assertEquals(/^[\w-]*$/.test(cursor), true);
    assertEquals(decodeCursor(cursor, ["int", "text"]), [time, id]);
    assertEquals(decodeCursor(cursor, ["int"]), null);
    assertEquals(decodeCursor(cursor, ["text", "int"]), null);
    assertEquals(decodeCursor(cursor, ["int", "text", "text"]), null);
  }));
});

Deno.test("what isn't a cursor is none, and never an error", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    decodeCursor(text, ["int"]);
  }));
  // PostgreSQL refuses texts with a zero.
  for (
    const text of [
      "",
      "x",
      "W10",
      "bnVsbA",
      encodeCursor([1.5]),
      encodeCursor(["1"]),
      btoa('{"0":1}'),
      "____",
    ]
  ) {
    assertEquals(decodeCursor(text, ["int"]), null, text);
  }
  assertEquals(decodeCursor(encodeCursor(["a\0b"]), ["text"]), null);
});

Deno.test("a page knows whether there is more", () => {
  const key = (n: number) => [n];
  const of = (rows: number[], limit: number) => page(rows, limit, key);
  assertEquals(of([], 2), { data: [], next_cursor: null, has_more: false });
  assertEquals(of([3, 2], 2), { data: [3, 2], next_cursor: null, has_more: false });
  assertEquals(of([3, 2, 1], 2), { data: [3, 2], next_cursor: encodeCursor([2]), has_more: true });
});
