import { assertEquals, assertMatch } from "@std/assert";
import { ncc } from "./cli.ts";

Deno.test("`ncc demo --exit` sells to three customers, and its books add up", async () => {
  const { code, out, err } = await ncc(["demo", "--exit"]);
  assertEquals([code, err], [0, ""], out);
  assertMatch(
    out,
    /Invariants ✓ 5\/5 {3}oversold 0 · lost 0 · wrongly decided 0 · duplicated 0 · unaccounted 0 sat/,
  );
});
