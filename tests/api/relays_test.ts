import { assertEquals, assertStringIncludes } from "@std/assert";
import { moveCursor } from "../../src/nostr/arrivals.ts";
import { post } from "../../src/nostr/outbox.ts";
import { ncc, place } from "../cli/cli.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { newKey } from "../support/nostr_client.ts";
import { until } from "../support/wire.ts";
import { TestApi } from "./test_api.ts";

Deno.test("what is known of a relay is told: deaf, refusing, read up to where, and what waits for it", async () => {
  await using api = await TestApi.open({ settings: { NCC_RELAYS: "ws://127.0.0.1:9" } });
  const [{ merchant, ...fresh }] = (await api.get("/relays")).body.data.slice(1);
  assertEquals([fresh.ok, fresh.detail, fresh.cursor, fresh.waiting], [false, "closed", null, 0]);
  const { clock } = api;
  const { database } = api.app;
  const at = clock.now();
  await database.transaction(async (tx) => {
    await moveCursor(tx, { merchant, relay: fresh.url, cursor: at, now: at });
    const event = { ...newKey().sign({ kind: 1, content: "", tags: [] }), pubkey: merchant };
    await post(tx, { merchant, purpose: "x", event, relays: [fresh.url] }, at);
    await tx.updateTable("outbox").set({ answer: "rate-limited: slow down" }).execute();
  });
  const one = api.app.merchants.all()[0]!;
  const [status] = one.relayStatus();
  const watched = {
    ...status!,
    deaf: { since: at, why: "it has 2 that the subscription didn't bring" },
    foundDeaf: 1,
    refusing: "restricted: members only",
    unproven: "blocked: no",
    lastEoseAt: at,
    hidden: 3,
  };
  Object.assign(one, { relayStatus: () => [watched] });
  const told = (await api.get("/relays")).body.data[1];
  const time = new Date(at).toISOString();
  assertEquals(told.deaf, { since: time, why: watched.deaf.why });
  assertEquals([told.ok, told.detail], [false, `deaf since ${time}: ${watched.deaf.why}`]);
  assertEquals([told.refusing, told.unproven, told.found_deaf, told.hidden_seconds], [
    "restricted: members only",
    "blocked: no",
    1,
    3,
  ]);
  assertEquals([told.last_heard_at, told.cursor, told.next_try_at], [time, time, time]);
  assertEquals([told.waiting, told.resting], [1, true]);
});

Deno.test("what relays say against us is told as they say it: one shows nothing, one takes no probe, one is deaf", async () => {
  await using refusing = await FakeRelay.start({ closed: "restricted: members only" });
  await using unproven = await FakeRelay.start({ refuse: "blocked: no such kind here" });
  await using deaf = await FakeRelay.start({ hoards: true });
  const urls = [refusing, unproven, deaf].map(({ url }) => url);
  await using api = await TestApi.open({ settings: { NCC_RELAYS: urls.join(",") } });
  const { intake } = api.app.merchants.all()[0]!;
  await intake.start();
  const told = async (url: string) =>
    (await api.get("/relays")).body.data.find((one: { url: string }) => one.url === url);
  await until(async () => (await told(refusing.url)).refusing === "restricted: members only");
  await until(async () => (await told(unproven.url)).unproven === "blocked: no such kind here");
  await until(async () => {
    await api.clock.advance(1_000);
    return (await told(deaf.url)).deaf !== null;
  });
  const { deaf: since, found_deaf, last_heard_at } = await told(deaf.url);
  assertStringIncludes(since.why, "it took a probe and has it");
  assertEquals(found_deaf, 1);
  assertEquals(last_heard_at !== null, true);
  const states = await Promise.all([refusing, unproven].map(async ({ url }) => (await told(url)).ok));
  assertEquals(states, [false, true]);
  await intake.stop();
});

Deno.test("`ncc relay list` says how each relay is, in plain words", async () => {
  await using at = await place();
  const environment = { ...at.environment, NCC_RELAYS: "ws://127.0.0.1:9" };
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const { out, code } = await ncc(["relay", "list"], { environment });
  assertEquals(code, 0);
  for (const part of ["this server's own", "ws://127.0.0.1:9", "last heard"]) assertStringIncludes(out, part);
});
