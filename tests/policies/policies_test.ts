import type { NostrEvent, NPolicy } from "@nostrify/types";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { minePow } from "nostr-tools/nip13";
import { addressedTo, AddresseePolicy } from "../../src/policies/addressee_policy.ts";
import { AuthorRatePolicy } from "../../src/policies/author_rate_policy.ts";
import { ClockPolicy } from "../../src/policies/clock_policy.ts";
import { INTAKE_KINDS, KindPolicy } from "../../src/policies/kind_policy.ts";
import { PipePolicy } from "../../src/policies/pipe_policy.ts";
import { PowPolicy } from "../../src/policies/pow_policy.ts";
import { isLongerThan, SizePolicy } from "../../src/policies/size_policy.ts";
import { accept, refuse } from "../../src/policies/verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";

const [merchant, second, author] = ["m", "s", "a"].map((letter) => letter.repeat(64)) as [
  string,
  string,
  string,
];

function event(o: Partial<NostrEvent> = {}): NostrEvent {
  const plain = {
    id: "f".repeat(64),
    pubkey: author,
    kind: 4,
    created_at: 0,
    content: "",
    sig: "0".repeat(128),
  };
  return { ...plain, tags: [["p", merchant]], ...o };
}

async function verdict(policy: NPolicy, e: NostrEvent): Promise<string> {
  const [verb, id, ok, reason] = await policy.call(e);
  assertEquals([verb, id], ["OK", e.id]);
  if (ok) assertEquals(reason, "");
  else assertMatch(reason, /^(blocked|invalid|pow|rate-limited): ./);
  return ok ? "ok" : reason.split(":")[0]!;
}

Deno.test("KindPolicy takes the kinds that it was given", async () => {
  const policy = new KindPolicy(INTAKE_KINDS);
  const taken = [];
  for (let kind = 0; kind < 2_000; kind++) {
    if (await verdict(policy, event({ kind })) === "ok") taken.push(kind);
  }
  assertEquals(taken, [4, 14, 16, 17, 1021, 1059]);
});

Deno.test("AddresseePolicy wants a served merchant among at most ten p tags", async () => {
  const policy = new AddresseePolicy(() => new Set([merchant, second]));
  const others = (count: number) => Array.from({ length: count }, (_, n) => ["p", `${n}`]);
  const table: [string[][], string][] = [
    [[["p", merchant]], "ok"],
    [[["p", author], ["p", second, "wss://relay.example"]], "ok"],
    [[...others(9), ["p", merchant]], "ok"],
    [[...others(10), ["p", merchant]], "blocked"],
    [[["e", merchant]], "blocked"],
    [[["P", merchant]], "blocked"],
    [[["p", author]], "blocked"],
    [[["p"], []], "blocked"],
    [[], "blocked"],
  ];
  for (const [tags, expected] of table) {
    assertEquals(await verdict(policy, event({ tags })), expected, `${tags}`);
  }
});

Deno.test("addressedTo() names each served merchant once", () => {
  const tags = [["p", second], ["p", merchant], ["p", author], ["p", second]];
  assertEquals(addressedTo(event({ tags }), new Set([merchant, second])), [second, merchant]);
});

Deno.test("SizePolicy counts bytes, not letters", async () => {
  const bare = new TextEncoder().encode(JSON.stringify(event())).length;
  const policy = new SizePolicy(bare + 30);
  assertEquals(await verdict(policy, event({ content: "x".repeat(30) })), "ok");
  assertEquals(await verdict(policy, event({ content: "x".repeat(31) })), "invalid");
  assertEquals(await verdict(policy, event({ content: "€".repeat(10) })), "ok");
  assertEquals(await verdict(policy, event({ content: "€".repeat(11) })), "invalid");
  assertEquals([isLongerThan("€", 2), isLongerThan("€", 3), isLongerThan("", 0)], [true, false, false]);
});

Deno.test("ClockPolicy takes any past and a wrong clock, but no other century", async () => {
  const clock = new FakeClock();
  const now = Math.floor(clock.now() / 1000);
  const policy = new ClockPolicy(clock);
  const table: [number, string][] = [
    [0, "ok"],
    [now, "ok"],
    [now + 3 * 86_400, "ok"],
    [now + 365 * 86_400, "ok"],
    [now + 365 * 86_400 + 1, "invalid"],
    [Number.MAX_SAFE_INTEGER, "invalid"],
  ];
  for (const [created_at, expected] of table) {
    assertEquals(await verdict(policy, event({ created_at })), expected);
  }
});

Deno.test("PowPolicy wants the bits and the commitment to them", async () => {
  const mine = (bits: number): NostrEvent => event({ ...minePow({ ...event(), tags: [] }, bits) });
  const policy = new PowPolicy(8);
  assertEquals(await verdict(policy, mine(8)), "ok");
  assertEquals(await verdict(policy, event()), "pow");
  const lucky = mine(8);
  assertEquals(await verdict(policy, { ...lucky, tags: [["nonce", "1", "4"]] }), "pow");
  assertEquals(await verdict(policy, { ...lucky, tags: [["nonce", "1"]] }), "pow");
  assertEquals(await verdict(policy, { ...lucky, tags: [["nonce", "1", "lots"]] }), "pow");
  assertEquals(await verdict(new PowPolicy(0), event()), "ok");
});

Deno.test("AuthorRatePolicy limits each key by itself, and lets it go on later", async () => {
  const clock = new FakeClock();
  const policy = new AuthorRatePolicy({ clock, perMinute: 2 });
  const asked = async (pubkey: string) => await verdict(policy, event({ pubkey }));
  assertEquals([await asked("x"), await asked("x"), await asked("x"), await asked("y")], [
    "ok",
    "ok",
    "rate-limited",
    "ok",
  ]);
  await clock.advance(30_000);
  assertEquals([await asked("x"), await asked("x")], ["ok", "rate-limited"]);
});

Deno.test("PipePolicy stops at the first refusal and counts it under the policy's name", async () => {
  const asked: string[] = [];
  const policy = (name: string, ok: boolean): NPolicy => ({
    call: (e) => {
      asked.push(name);
      return Promise.resolve(ok ? accept(e) : refuse(e, `blocked: by ${name}`));
    },
  });
  const pipe = new PipePolicy({
    first: policy("first", true),
    second: policy("second", false),
    third: policy("third", true),
  });
  assertEquals(await pipe.call(event()), ["OK", event().id, false, "blocked: by second"]);
  await pipe.call(event());
  assertEquals(asked, ["first", "second", "first", "second"]);
  assertEquals(pipe.counts(), { second: 2 });
  assertEquals(await new PipePolicy({}).call(event()), ["OK", event().id, true, ""]);
});

Deno.test("PipePolicy passes a fault on: it is no verdict", async () => {
  const pipe = new PipePolicy({ broken: { call: () => Promise.reject(new Error("no database")) } });
  await assertRejects(() => pipe.call(event()), Error, "no database");
  assertEquals(pipe.counts(), {});
});
