import { assert, assertEquals, assertRejects } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import * as nip04 from "nostr-tools/nip04";
import { SignerUnavailableError } from "../../src/nostr/signer.ts";
import type { Manners } from "../support/bunker.ts";
import { keyPair } from "../support/keys.ts";
import { until } from "../support/wire.ts";
import { crypto, customer, merchant, Scene, template, unavailable } from "./bunker_scene.ts";

Deno.test("what a signer refuses waits, whatever the refusal is called, and its words are only in the status", async () => {
  await using scene = await Scene.open({
    is: { refuses: { sign_event: "no: order for Jane Doe", nip44_decrypt: "no", nip44_encrypt: "no" } },
  });
  const thrown = await unavailable(() => scene.signer.signEvent(template));
  // It ends up in the log.
  assertEquals(thrown.message, "the remote signer refuses sign_event");
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
  const told = scene.log.lines.filter((line) => line.event === "bunker.wants_approval");
  assertEquals(told.map((line) => line.fields.open), [page]);
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
