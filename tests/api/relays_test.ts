import { assertEquals, assertStringIncludes } from "@std/assert";
import { moveCursor } from "../../src/nostr/arrivals.ts";
import { post } from "../../src/nostr/outbox.ts";
import { ncc, place } from "../cli/cli.ts";
import { newKey } from "../support/nostr_client.ts";
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

Deno.test("`ncc relay list` says how each relay is, in plain words", async () => {
  await using at = await place();
  const environment = { ...at.environment, NCC_RELAYS: "ws://127.0.0.1:9" };
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const { out, code } = await ncc(["relay", "list"], { environment });
  assertEquals(code, 0);
  for (const part of ["this server's own", "ws://127.0.0.1:9", "last heard"]) assertStringIncludes(out, part);
});
