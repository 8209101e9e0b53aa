import { assertEquals, assertStringIncludes } from "@std/assert";
import { bytesToHex } from "@noble/hashes/utils.js";
import * as nip04 from "nostr-tools/nip04";
import { finalizeEvent } from "nostr-tools/pure";
import { alert } from "../../src/alert.ts";
import { raise } from "../../src/notifications/conditions_store.ts";
import { TestApi } from "../api/test_api.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";

const shop = keyPair("merchant");
const owner = keyPair("olivia");
const alice = keyPair("alice");

async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} didn't happen`);
}

/** What another program with the shop's key says to a customer, on the wire. */
async function said(text: string) {
  const content = nip04.encrypt(shop.secretKey, alice.pubkey, text);
  const created_at = Math.floor(Date.now() / 1000);
  const event = finalizeEvent(
    { kind: 4, content: await content, tags: [["p", alice.pubkey]], created_at },
    shop.secretKey,
  );
  return JSON.parse(JSON.stringify(event));
}

Deno.test("another program that answers with the shop's key is seen on the relay, halts the shop and is told", async () => {
  await using relay = await FakeRelay.start();
  await using api = await TestApi.open({
    live: true,
    settings: {
      NCC_PORT: "0",
      NCC_RELAYS: relay.url,
      NCC_KEY: bytesToHex(shop.secretKey),
      NCC_OWNERS: owner.pubkey,
    },
  });
  await api.start();
  const watched = (key: string) =>
    relay.subscriptions.some((filters) => filters.some((filter) => filter.authors?.includes(key)));
  await until("the watch on our own key", () => watched(shop.pubkey));
  const merchant = async () => (await api.get(`/merchants/${shop.pubkey}`)).body;
  const created = Date.parse((await merchant()).created_at);
  await until("the next second", () => Math.floor(Date.now() / 1000) * 1000 > created);
  relay.publish(await said("Hello from my phone"));
  const forged = await said('{"id":"x","type":2,"paid":true}');
  relay.publish({ ...forged, sig: "0".repeat(128) });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals((await api.get("/conditions")).body.data, []);
  relay.publish(forged);
  await until("the halt", async () => (await api.get("/conditions?raised=true")).body.data.length > 0);
  const { body } = await api.get("/conditions?raised=true");
  assertEquals(body.data.map((one: { name: string }) => one.name), ["second_instance"]);
  await until(
    "the message to the owner",
    () =>
      relay.events.some((event) => event.kind === 4 && event.tags.some(([, key]) => key === owner.pubkey)),
  );
  await until("the registry's look", async () => (await merchant()).halted !== null);
  const { checks } = (await api.ask("GET", "/readyz")).body;
  assertEquals(checks.answers.ok, false);
  const resumed = await api.post(`/merchants/${shop.pubkey}/resume`);
  assertEquals([resumed.status, resumed.body.halted], [200, null]);
  assertEquals((await api.get("/conditions?raised=true")).body.data, []);
  const notices = (await api.get("/notices")).body.data;
  assertEquals(notices.map((one: { kind: string; told: string }) => [one.kind, one.told]), [[
    "second_instance",
    "told",
  ]]);
  assertStringIncludes(notices[0].text, "ncc merchant resume");
});

Deno.test("what comes back of our own doesn't halt the shop", async () => {
  await using relay = await FakeRelay.start();
  await using api = await TestApi.open({
    live: true,
    settings: { NCC_PORT: "0", NCC_RELAYS: relay.url, NCC_KEY: bytesToHex(shop.secretKey) },
  });
  await api.start();
  const authors = () => relay.subscriptions.flat().flatMap((filter) => filter.authors ?? []);
  await until("the watch on our own key", () => authors().includes(shop.pubkey));
  const content = await nip04.encrypt(alice.secretKey, shop.pubkey, "Hello?");
  const created_at = Math.floor(Date.now() / 1000);
  const hello = finalizeEvent({ kind: 4, content, tags: [["p", shop.pubkey]], created_at }, alice.secretKey);
  relay.publish(JSON.parse(JSON.stringify(hello)));
  await until("the message", async () => (await api.get("/messages")).body.data.length > 0);
  const { created_at: begun } = (await api.get(`/merchants/${shop.pubkey}`)).body;
  await until("the next second", () => Math.floor(Date.now() / 1000) * 1000 > Date.parse(begun));
  for (const kind of [4, 1059]) {
    const customer = kind === 4 ? alice.pubkey : owner.pubkey;
    const sent = await api.post("/messages", { customer, body: '{"id":"x","type":1}' });
    assertEquals(sent.status, 201);
    await until(
      "our message on the relay",
      () => relay.events.some((event) => event.kind === kind && event !== hello && event.id !== hello.id),
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals((await api.get("/conditions")).body.data, []);
});

Deno.test("notices and conditions are listed page by page", async () => {
  await using api = await TestApi.open();
  const { database } = api.app;
  await database.transaction(async (tx) => {
    for (let n = 0; n < 5; n++) {
      await tx.insertInto("notices").values({
        merchant: api.merchant,
        kind: "order_paid",
        fact: `f${n}`,
        order_id: null,
        text: `t${n}`,
        state: "told",
        at: n,
      }).execute();
      await raise(tx, { merchant: api.merchant, name: `relay ${n}`, detail: "away" }, 1_000 + (n % 2));
    }
    await alert(tx, { merchant: api.merchant, kind: "chat", fact: "chat:1" }, 1);
  });
  for (
    const [path, field, expected] of [
      ["/notices?limit=2", "text", ["t4", "t3", "t2", "t1", "t0"]],
      ["/conditions?limit=2", "name", ["relay 3", "relay 1", "relay 4", "relay 2", "relay 0"]],
    ] as const
  ) {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const { body } = await api.get(`${path}${cursor === "" ? "" : `&cursor=${cursor}`}`);
      seen.push(...body.data.map((one: Record<string, string>) => one[field]));
      cursor = body.next_cursor;
    }
    assertEquals(seen, [...expected]);
  }
  assertEquals((await api.get("/conditions?raised=false")).body.data, []);
  assertEquals((await api.get("/notices?kind=chat")).body.data, []);
  assertEquals((await api.get(`/notices?merchant=${"0".repeat(64)}`)).body.data, []);
});
