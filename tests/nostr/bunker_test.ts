import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import * as nip04 from "nostr-tools/nip04";
import * as nip44 from "nostr-tools/nip44";
import { systemClock } from "../../src/clock.ts";
import type { BunkerOptions } from "../../src/nostr/bunker/options.ts";
import { parseBunkerUrl } from "../../src/nostr/bunker/bunker_url.ts";
import { BunkerConnection } from "../../src/nostr/bunker/connection.ts";
import { RemoteSigner } from "../../src/nostr/bunker/remote_signer.ts";
import { SignerUnavailableError } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { installRelaySocket } from "../../src/nostr/websocket.ts";
import { systemRandom } from "../../src/random.ts";
import { Bunker, type Manners } from "../support/bunker.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";
import { recordingLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

const crypto = await loadVerifier();
const merchant = keyPair("merchant");
const customer = keyPair("customer");
const template = { kind: 4, created_at: 1_700_000_000, tags: [["p", customer.pubkey]], content: "✓ x" };

const quick: Partial<BunkerOptions> = {
  answerMs: 600,
  resendMs: [150, 150],
  queueMs: 200,
  probeFirstMs: 20,
  probeMostMs: 40,
  provenMs: 10_000,
};

/** A bunker, its relay, and a signer of ours that it knows. Whatever nobody handles fails the test. */
class Scene implements AsyncDisposable {
  readonly log = recordingLog();
  readonly woken: boolean[] = [];
  readonly unhandled: unknown[] = [];
  signer!: RemoteSigner;
  readonly #clientKey = generateSecretKey();
  readonly #uninstall = installRelaySocket();
  readonly #onUnhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    this.unhandled.push(event.reason);
  };

  private constructor(readonly relay: FakeRelay, readonly bunker: Bunker) {
    globalThis.addEventListener("unhandledrejection", this.#onUnhandled);
  }

  static async open(
    o: { is?: Partial<Manners>; options?: Partial<BunkerOptions>; connects?: boolean; waits?: boolean } = {},
  ): Promise<Scene> {
    const relay = await FakeRelay.start();
    const scene = new Scene(relay, await Bunker.start(relay.url));
    if (o.connects !== false) scene.bunker.clients.add(scene.client);
    Object.assign(scene.bunker.is, o.is);
    scene.signer = new RemoteSigner({
      ...scene.parts(o.options),
      pubkey: merchant.pubkey,
      onAwake: (missedAuth) => scene.woken.push(missedAuth),
    });
    if (o.waits === false) return scene;
    scene.signer.start();
    await until(() => scene.signer.status().state === "awake");
    return scene;
  }

  get client(): string {
    return getPublicKey(this.#clientKey);
  }

  parts(options: Partial<BunkerOptions> = {}) {
    const read = parseBunkerUrl(this.bunker.url);
    if (!read.ok) throw new Error(read.reason);
    return {
      bunker: read.bunker,
      clientKey: this.#clientKey,
      crypto,
      clock: systemClock,
      random: systemRandom,
      log: this.log.log,
      options: { ...quick, ...options },
    };
  }

  /** What a customer wrote to the shop. */
  sealed(text: string): string {
    return nip44.encrypt(text, nip44.getConversationKey(customer.secretKey, merchant.pubkey));
  }

  open(payload: string): Promise<string> {
    return this.signer.nip44.decrypt(customer.pubkey, payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signer.close();
    await this.bunker[Symbol.asyncDispose]();
    await this.relay.stop();
    this.#uninstall();
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.removeEventListener("unhandledrejection", this.#onUnhandled);
    assertEquals(this.unhandled, [], "nobody handled a rejection");
  }
}

const unavailable = (work: () => Promise<unknown>, text = "") =>
  assertRejects(work, SignerUnavailableError, text);

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
  scene.bunker.is.slowMs = 0;
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

Deno.test("what a signer refuses waits, whatever the refusal is called, and its words are only in the status", async () => {
  await using scene = await Scene.open({
    is: { refuses: { sign_event: "no: order for Jane Doe", nip44_decrypt: "no", nip44_encrypt: "no" } },
  });
  await unavailable(() => scene.signer.signEvent(template), "refuses sign_event");
  assertEquals(scene.signer.status().state, "refuses");
  assertEquals(scene.signer.status().error, "it refuses sign_event: no: order for Jane Doe");
  await unavailable(() => scene.signer.nip44.encrypt(customer.pubkey, "x"), "refuses nip44_encrypt");
  await unavailable(() => scene.open(scene.sealed("order")), "refuses nip44_decrypt");
  assert(!JSON.stringify(scene.log.lines).includes("Jane"));
  scene.bunker.is.refuses = {};
  await scene.signer.nip44.encrypt(customer.pubkey, "x");
  await scene.signer.signEvent(template);
  await scene.open(scene.sealed("order"));
  assertEquals([scene.signer.status().state, scene.signer.status().error], ["awake", null]);
});

Deno.test("a damaged payload is told from a signer that won't open any", async () => {
  await using scene = await Scene.open();
  const damaged = scene.sealed("order").replace(/.{8}$/, "AAAAAAAA");
  const error = await assertRejects(() => scene.open(damaged));
  assert(!(error instanceof SignerUnavailableError), "junk would be tried for ever");
  assertEquals(await scene.open(scene.sealed("order")), "order");
  scene.bunker.is.lacks = ["nip04_decrypt"];
  const old = nip04.encrypt(customer.secretKey, merchant.pubkey, "order");
  await unavailable(() => scene.signer.nip04.decrypt(customer.pubkey, old), "refuses nip04_decrypt");
  assert(scene.signer.status().error?.startsWith("it refuses nip04_decrypt"));
});

Deno.test("an error that was for once is asked again", async () => {
  await using scene = await Scene.open();
  await scene.signer.signEvent(template);
  scene.bunker.is.fails.count = 1;
  await unavailable(() => scene.signer.signEvent(template));
  assert(crypto.verify(await scene.signer.signEvent(template)));
});

Deno.test("what a signer returns must be what was asked, and ours", async () => {
  await using scene = await Scene.open();
  const wrong: Partial<Manners>[] = [
    { tampers: (event) => void (event.content = "send your money elsewhere") },
    { tampers: (event) => void event.tags.push(["client", "bunker"]) },
    { tampers: (event) => void event.created_at++ },
    { tampers: (event) => void (event.kind = 1) },
    { otherKey: generateSecretKey() },
  ];
  for (const is of wrong) {
    Object.assign(scene.bunker.is, { tampers: null, otherKey: null }, is);
    await unavailable(() => scene.signer.signEvent(template));
    assertEquals(scene.signer.status().state, "refuses");
  }
  Object.assign(scene.bunker.is, { tampers: null, otherKey: null });
  assert(crypto.verify(await scene.signer.signEvent(template)));
  scene.bunker.is.garbage = JSON.stringify({ id: "?", result: "x" });
  await unavailable(() => scene.signer.signEvent(template), "didn't answer");
});

Deno.test("a signer that holds another key than before is asked for nothing", async () => {
  await using scene = await Scene.open({ waits: false });
  scene.bunker.merchant = keyPair("somebody else");
  await unavailable(() => scene.signer.nip44.encrypt(customer.pubkey, "x"));
  await until(() => scene.signer.status().state === "wrong key");
  await unavailable(() => scene.signer.nip44.encrypt(customer.pubkey, "x"), "another key");
  assertEquals(scene.bunker.count("nip44_encrypt"), 0);
  scene.bunker.merchant = merchant;
  await until(() => scene.signer.status().state === "awake");
  await scene.signer.nip44.encrypt(customer.pubkey, "x");
});

Deno.test("answers by others, to others, twice, late or not to be read change nothing", async () => {
  await using scene = await Scene.open({ is: { twice: true } });
  await scene.signer.signEvent(template);
  const thief = generateSecretKey();
  scene.bunker.is.asleep = true;
  const opening = scene.signer.nip44.decrypt(customer.pubkey, scene.sealed("order"));
  await until(() => scene.relay.events.filter((event) => event.pubkey === scene.client).length > 2);
  for (const id of ["1", scene.bunker.heard[0]!.id]) {
    scene.bunker.say(scene.client, { id, result: "forged" }, { by: thief });
    scene.bunker.say(scene.client, { id, result: "forged" });
    scene.bunker.say(scene.client, "{not json");
    scene.bunker.say(scene.client, `${"[".repeat(5_000)}`);
    scene.bunker.say(scene.client, { id: 7, result: "x" });
    scene.bunker.say(scene.client, { result: "x" });
    scene.bunker.say(scene.client, "null");
  }
  const last = scene.relay.events.findLast((event) => event.pubkey === scene.bunker.pubkey)!;
  scene.bunker.sendRaw({ ...last, id: "0".repeat(64), content: scene.sealed("x") });
  scene.bunker.is.asleep = false;
  assertEquals(await opening, "order");
});

Deno.test("auth_url: who asked waits elsewhere, the page is shown, and its approval is enough", async () => {
  const page = "https://bunker.example/approve?request=1";
  await using scene = await Scene.open({ is: { authUrl: page } });
  const payload = scene.sealed("order");
  await unavailable(() => scene.open(payload), "approval");
  assertEquals(scene.signer.status().authUrl, page);
  assertEquals(scene.signer.status().state, "awake");
  assert(scene.log.lines.some((line) => line.event === "bunker.wants_approval"));
  assert(!JSON.stringify(scene.log.lines).includes("request=1"));
  const asked = scene.bunker.heard.length;
  const { lastAnswerAt } = scene.signer.status();
  await new Promise((resolve) => setTimeout(resolve, 2));
  scene.bunker.approve();
  await until(() => scene.signer.status().lastAnswerAt! > lastAnswerAt!);
  // The answer to the first request: nobody has to approve again.
  assertEquals(await scene.open(payload), "order");
  assertEquals(scene.bunker.heard.length, asked);
  await scene.signer.signEvent(template);
  assertEquals(scene.signer.status().authUrl, null);
});

Deno.test("an auth_url that is no page isn't shown", async () => {
  for (
    const page of ["javascript:alert(1)", "file:///etc/passwd", "x", `https://a.example/${"x".repeat(2_000)}`]
  ) {
    await using scene = await Scene.open({ is: { authUrl: page } });
    await unavailable(() => scene.signer.signEvent(template));
    assertEquals(scene.signer.status().authUrl, null);
  }
});

Deno.test("a relay's challenge that can't be answered while the signer sleeps is remembered", async () => {
  await using scene = await Scene.open();
  await scene.signer.signEvent(template);
  scene.bunker.is.asleep = true;
  await unavailable(() => scene.signer.signEvent({ ...template, kind: 22242 }));
  scene.bunker.is.asleep = false;
  await until(() => scene.woken.length === 2);
  assertEquals(scene.woken, [false, true]);
});

Deno.test("a signer that forgot its clients is shown the secret once more", async () => {
  await using scene = await Scene.open({ connects: false });
  assert(crypto.verify(await scene.signer.signEvent(template)));
  assertEquals(scene.bunker.heard.map((one) => one.method), [
    "get_public_key",
    "connect",
    "get_public_key",
    "sign_event",
  ]);
  const permissions = scene.bunker.heard[1]!.params[2]!.split(",");
  for (const one of ["sign_event:4", "sign_event:22242", "nip04_decrypt", "nip44_encrypt"]) {
    assert(permissions.includes(one), one);
  }
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
