import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseBounded } from "../src/bounded_json.ts";

const limits = { chars: 1_000, depth: 3 };

Deno.test("parseBounded() parses what JSON.parse does, within its limits", () => {
  fc.assert(fc.property(fc.json({ maxDepth: 8 }), (text) => {
    assertEquals(parseBounded(text, { chars: 1e6, depth: 1e6 }), { ok: true, value: JSON.parse(text) });
  }));
});

Deno.test("parseBounded() refuses what is too long, too deep or no JSON", () => {
  const table: [string, string][] = [
    ["x".repeat(1_001), "JSON too long"],
    ["[[[[]]]]", "JSON nested too deeply"],
    ['{"a":{"b":[{}]}}', "JSON nested too deeply"],
    ["[".repeat(999), "JSON nested too deeply"],
    ["", "not JSON"],
    ["{", "not JSON"],
    ["{'a':1}", "not JSON"],
    ['{"a":1', "not JSON"],
  ];
  for (const [text, reason] of table) assertEquals(parseBounded(text, limits), { ok: false, reason });
});

Deno.test("parseBounded() counts no brackets inside of strings", () => {
  for (const text of ['"[[[[[["', '["\\"[[[[[", {}]', '["\\\\", [[1]], "[[[["]', "[[],[],[[]],{},{}]"]) {
    assert(parseBounded(text, limits).ok, text);
  }
  assertEquals(parseBounded('["\\\\", [[[1]]]]', limits).ok, false);
});

Deno.test("parseBounded() never lets deeper values through than allowed", () => {
  const depth = (value: unknown): number =>
    typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
  fc.assert(fc.property(fc.json({ maxDepth: 8 }), (text) => {
    assertEquals(parseBounded(text, { chars: 1e6, depth: 3 }).ok, depth(JSON.parse(text)) <= 3);
  }));
});

Deno.test("parseBounded() refuses 200,000 levels without going down", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assertEquals(parseBounded(deep, { chars: 1e6, depth: 64 }), {
    ok: false,
    reason: "JSON nested too deeply",
  });
});
