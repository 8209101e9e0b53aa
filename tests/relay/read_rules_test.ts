import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { judgeFilter, mayMatchGuarded, mayRead } from "../../src/relay/read_rules.ts";

const reader = (...keys: string[]) => ({ keys: new Set(keys), merchants: new Set(["m", "m2"]) });
const answer = (filter: NostrFilter, ...keys: string[]) => {
  const judged = judgeFilter(filter, reader(...keys));
  return judged.ok ? "ok" : judged.reason.split(":")[0]!;
};
const event = (kind: number, pubkey: string, ...recipients: string[]): NostrEvent => ({
  id: "",
  sig: "",
  content: "",
  created_at: 0,
  kind,
  pubkey,
  tags: recipients.map((key) => ["p", key]),
});

Deno.test("judgeFilter() decides what may be asked at all", () => {
  const table: [NostrFilter, string[], string][] = [
    [{ kinds: [30_018] }, [], "ok"],
    [{}, [], "ok"],
    [{ "#p": ["m"] }, [], "ok"],
    [{ kinds: [4] }, [], "auth-required"],
    [{ kinds: [4], "#p": ["m"] }, [], "auth-required"],
    [{ kinds: [4], authors: ["m", "m2"] }, [], "auth-required"],
    [{ kinds: [4], "#p": ["c"] }, [], "ok"],
    [{ kinds: [4], authors: ["m"], "#p": ["c"] }, [], "ok"],
    [{ kinds: [4], authors: ["c"], "#p": ["m"] }, [], "ok"],
    [{ kinds: [4], authors: Array(11).fill("c"), "#p": ["m"] }, [], "auth-required"],
    [{ kinds: [4], "#p": ["m"] }, ["m"], "ok"],
    [{ kinds: [4], "#p": ["m"] }, ["c"], "restricted"],
    [{ kinds: [4] }, ["c"], "ok"],
    [{ kinds: [1059], "#p": ["c"] }, [], "auth-required"],
    [{ kinds: [1, 1059] }, [], "auth-required"],
    [{ kinds: [14], authors: ["c"] }, [], "auth-required"],
    [{ kinds: [1059], "#p": ["c"] }, ["c"], "ok"],
    [{ kinds: [1059], "#p": ["c"] }, ["d", "c"], "ok"],
    [{ kinds: [1059], "#p": ["c"] }, ["d"], "restricted"],
    [{ kinds: [1059], "#p": ["m"] }, ["d"], "restricted"],
    [{ kinds: [16], authors: ["c"] }, ["c"], "ok"],
    [{ kinds: [4, 1059], "#p": ["c"] }, ["c"], "ok"],
  ];
  for (const [filter, keys, expected] of table) {
    assertEquals(answer(filter, ...keys), expected, `${JSON.stringify(filter)} by ${keys}`);
  }
});

Deno.test("judgeFilter() narrows a filter for all wraps to the reader's own", () => {
  const judged = judgeFilter({ kinds: [1059], limit: 5 }, reader("c", "d"));
  assertEquals(judged, { ok: true, filter: { kinds: [1059], limit: 5, "#p": ["c", "d"] } });
});

Deno.test("mayRead() shows mail to its two sides, and kind 4 to who names the customer", () => {
  const table: [NostrEvent, NostrFilter, string[], boolean][] = [
    [event(30_018, "m"), {}, [], true],
    [event(1021, "c", "m"), {}, [], true],
    [event(1059, "x", "c"), { "#p": ["c"] }, [], false],
    [event(1059, "x", "c"), {}, ["c"], true],
    [event(1059, "x", "c", "d"), {}, ["d"], true],
    [event(14, "c", "m"), { authors: ["c"] }, [], false],
    [event(14, "c", "m"), {}, ["c"], true],
    [event(4, "c", "m"), {}, [], false],
    [event(4, "c", "m"), { "#p": ["m"] }, [], false],
    [event(4, "c", "m"), { authors: ["c"] }, [], true],
    [event(4, "m", "c"), { authors: ["m"] }, [], false],
    [event(4, "m", "c"), { "#p": ["c"] }, [], true],
    [event(4, "c", "m"), { "#p": ["m", "d"] }, [], false],
    [event(4, "c", "m"), {}, ["m"], true],
    [event(4, "c", "m"), {}, ["d"], false],
  ];
  for (const [e, filter, keys, expected] of table) {
    assertEquals(
      mayRead(e, filter, reader(...keys)),
      expected,
      `${e.kind} ${e.pubkey} ${JSON.stringify(filter)} ${keys}`,
    );
  }
});

Deno.test("whatever is asked without AUTH, a customer who isn't named stays hidden", () => {
  const key = fc.constantFrom("m", "m2", "c", "d", "e");
  const keys = fc.option(fc.array(key, { maxLength: 4 }), { nil: undefined });
  const filters = fc.record({
    authors: keys,
    p: keys,
    kinds: fc.option(fc.subarray([1, 4, 14, 1059]), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      filters,
      fc.constantFrom(4, 14, 16, 17, 1059),
      fc.boolean(),
      ({ authors, p, kinds }, kind, toShop) => {
        const filter: NostrFilter = {
          ...(authors && { authors }),
          ...(p && { "#p": p }),
          ...(kinds && { kinds }),
        };
        const mail = toShop ? event(kind, "c", "m") : event(kind, "m", "c");
        if (!mayRead(mail, filter, reader())) return;
        assert(kind === 4 && (authors?.includes("c") || p?.includes("c")));
      },
    ),
  );
});

Deno.test("mayMatchGuarded() is true unless the kinds rule it out", () => {
  const filters: NostrFilter[] = [{}, { ids: [] }, { kinds: [1, 4] }, { kinds: [1, 30_018] }, { kinds: [] }];
  assertEquals(filters.map(mayMatchGuarded), [true, true, true, false, false]);
});
