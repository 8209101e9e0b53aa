import { assert, assertEquals, assertRejects } from "@std/assert";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import { parseBunkerUrl } from "../../src/nostr/bunker/bunker_url.ts";
import { BunkerConnection } from "../../src/nostr/bunker/connection.ts";
import { SignerUnavailableError } from "../../src/nostr/signer.ts";
import { until } from "../support/wire.ts";
import { crypto, customer, merchant, Scene, template, unavailable } from "./bunker_scene.ts";

Deno.test("a remote signer signs, seals and opens what nostr-tools understands", async () => {
  await using scene = await Scene.open();
  const { signer } = scene;
  const event = await signer.signEvent(template);
  assert(crypto.verify(event));
  assertEquals({ ...event, id: "", sig: "" }, { ...template, pubkey: merchant.pubkey, id: "", sig: "" });
  const key = nip44.getConversationKey(customer.secretKey, merchant.pubkey);
  assertEquals(nip44.decrypt(await signer.nip44.encrypt(customer.pubkey, "hi"), key), "hi");
  const old = await signer.nip04.encrypt(customer.pubkey, "hi");
  assertEquals(nip04.decrypt(customer.secretKey, merchant.pubkey, old), "hi");
  assertEquals(await scene.open(scene.sealed("order")), "order");
  assertEquals(
    await signer.nip04.decrypt(customer.pubkey, nip04.encrypt(customer.secretKey, merchant.pubkey, "order")),
    "order",
  );
  assertEquals(signer.status().state, "awake");
});

Deno.test("an empty text is an answer", async () => {
  await using scene = await Scene.open();
  const empty = nip04.encrypt(customer.secretKey, merchant.pubkey, "");
  assertEquals(await scene.signer.nip04.decrypt(customer.pubkey, empty), "");
});

Deno.test("a signer that speaks NIP-04 alone on the way is understood, and one that returns objects", async () => {
  await using scene = await Scene.open({ is: { transport: "nip04", objects: true } });
  assert(crypto.verify(await scene.signer.signEvent(template)));
  assertEquals(await scene.open(scene.sealed("order")), "order");
});

Deno.test("while the signer sleeps callers hear so at once, and its waking is noticed", async () => {
  await using scene = await Scene.open();
  await scene.open(scene.sealed("first"));
  scene.bunker.is.asleep = true;
  const payload = scene.sealed("order");
  await unavailable(() => scene.open(payload), "didn't answer");
  assertEquals(scene.signer.status().state, "asleep");
  const began = performance.now();
  for (let i = 0; i < 50; i++) {
    await unavailable(() => scene.open(payload));
    await unavailable(() => scene.signer.signEvent(template));
  }
  assert(performance.now() - began < 200, "they waited for who sleeps");
  scene.bunker.is.asleep = false;
  await until(() => scene.woken.length === 2);
  assertEquals(scene.woken, [false, false]);
  assertEquals(await scene.open(payload), "order");
  assertEquals(scene.signer.status().state, "awake");
});

Deno.test("a signer that sleeps at the start holds up nobody either", async () => {
  await using scene = await Scene.open({ is: { asleep: true }, waits: false });
  const began = performance.now();
  await unavailable(() => scene.signer.signEvent(template));
  assert(performance.now() - began < 300, "the start was waited for");
  scene.bunker.is.asleep = false;
  await until(() => scene.woken.length === 1);
  assert(crypto.verify(await scene.signer.signEvent(template)));
});

Deno.test("a relay that goes and comes back delays and loses nothing", async () => {
  await using scene = await Scene.open();
  await scene.signer.signEvent(template);
  await scene.relay.stop();
  await unavailable(() => scene.signer.signEvent(template));
  const { state, error } = scene.signer.status();
  assert(state === "asleep" && error?.includes(scene.relay.url), `${state}: ${error}`);
  await scene.relay.start();
  await until(() => scene.signer.status().state === "awake");
  assert(crypto.verify(await scene.signer.signEvent(template)));
});

Deno.test("a relay that asks who reads is told, with the connection's own key", async () => {
  await using scene = await Scene.open();
  scene.relay.is.auth = true;
  scene.relay.drop();
  // The bunker of this test doesn't authenticate: only our side is looked at.
  await unavailable(() => scene.signer.signEvent(template));
  assert(scene.relay.auths.includes(scene.client));
  assert(!scene.relay.auths.includes(merchant.pubkey));
});

Deno.test("more requests than a signer does at once wait for their turn, and no longer than they may", async () => {
  await using scene = await Scene.open({ options: { atOnce: 2, queueMs: 10_000, answerMs: 5_000 } });
  const all = Array.from({ length: 30 }, (_, i) => scene.open(scene.sealed(`order ${i}`)));
  assertEquals(await Promise.all(all), Array.from({ length: 30 }, (_, i) => `order ${i}`));
  await using slow = await Scene.open({
    is: { slowMs: 300 },
    options: { atOnce: 2, queueMs: 50, answerMs: 5_000 },
  });
  const some = await Promise.allSettled(
    Array.from({ length: 5 }, (_, i) => slow.open(slow.sealed(`order ${i}`))),
  );
  for (const one of some) {
    if (one.status === "rejected") assert(one.reason instanceof SignerUnavailableError, String(one.reason));
  }
  assertEquals(some.filter((one) => one.status === "fulfilled").length, 2);
});

Deno.test("a signer slower than anybody waits gets there by the next try", async () => {
  await using scene = await Scene.open();
  const payload = scene.sealed("order");
  scene.bunker.is.slowMs = 900;
  await unavailable(() => scene.open(payload));
  await until(async () => await scene.open(payload).catch(() => null) === "order");
});

Deno.test("who asks for the same while it is being opened joins", async () => {
  await using scene = await Scene.open();
  const payload = scene.sealed("order");
  assertEquals(await Promise.all([scene.open(payload), scene.open(payload)]), ["order", "order"]);
  assertEquals(scene.bunker.count("nip44_decrypt"), 1);
});

Deno.test("a request that got lost is sent again under its id, as another event", async () => {
  await using scene = await Scene.open();
  await scene.open(scene.sealed("first"));
  scene.bunker.is.asleep = true;
  const signing = scene.signer.signEvent(template);
  await new Promise((resolve) => setTimeout(resolve, 30));
  scene.bunker.is.asleep = false;
  assert(crypto.verify(await signing));
  const ids = scene.bunker.heard.filter((one) => one.method === "sign_event").map((one) => one.id);
  assertEquals(new Set(ids).size, 1);
  const events = scene.relay.events.filter((event) => event.pubkey === scene.client);
  assertEquals(new Set(events.map((event) => event.id)).size, events.length);
});

Deno.test("closing ends what is under way", async () => {
  await using scene = await Scene.open({
    is: { asleep: true },
    waits: false,
    options: { answerMs: 60_000, queueMs: 60_000 },
  });
  const asking = assertRejects(() => scene.signer.signEvent(template), SignerUnavailableError);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await scene.signer.close();
  await asking;
});

Deno.test("parseBunkerUrl() reads an address, and says of others what is wrong without quoting them", () => {
  const key = merchant.pubkey;
  assertEquals(
    parseBunkerUrl(` bunker://${key}?relay=wss%3A%2F%2FR.example%2F&relay=ws://b.example&secret=abc\n`),
    {
      ok: true,
      bunker: { pubkey: key, relays: ["wss://r.example", "ws://b.example"], secret: "abc" },
    },
  );
  const none = parseBunkerUrl(`BUNKER://${key.toUpperCase()}?relay=wss://r.example&secret=`);
  assert(none.ok && none.bunker.secret === null && none.bunker.pubkey === key);
  const table: [string, string][] = [
    ["", "no address"],
    [`https://${key}?relay=wss://r.example`, "no address"],
    [`bunker://${key}?secret=s3cret`, "names no relay"],
    [`bunker://${key.slice(1)}?relay=wss://r.example&secret=s3cret`, "64 hex digits"],
    [`bunker://?relay=wss://r.example&secret=s3cret`, "64 hex digits"],
    [`bunker://${key}?relay=https://r.example&secret=s3cret`, "no relay URL"],
    [
      `bunker://${key}?secret=s3cret${
        Array.from({ length: 11 }, (_, i) => `&relay=wss://r${i}.example`).join("")
      }`,
      "10 at most",
    ],
  ];
  for (const [text, says] of table) {
    const read = parseBunkerUrl(text);
    assert(!read.ok && read.reason.includes(says) && !read.reason.includes("s3cret"), text);
  }
});

Deno.test("BunkerConnection waits for approval where it is told to", async () => {
  await using scene = await Scene.open({
    connects: false,
    waits: false,
    is: { authUrl: "https://bunker.example/" },
  });
  const connection = new BunkerConnection(scene.parts());
  const connecting = connection.connect({ ms: 5_000, approval: true });
  await until(() => connection.authUrl !== null);
  scene.bunker.approve();
  await connecting;
  assertEquals(await connection.publicKey({ ms: 5_000 }), merchant.pubkey);
  await connection.close();
});
