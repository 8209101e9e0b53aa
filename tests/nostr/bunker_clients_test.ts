import { assert, assertEquals } from "@std/assert";
import { NConnectSigner, NRelay1, NSecSigner } from "@nostrify/nostrify";
import { generateSecretKey, verifyEvent } from "nostr-tools/pure";
import { BunkerSigner, parseBunkerInput } from "nostr-tools/nip46";
import { SimplePool } from "nostr-tools/pool";
import { Bunker } from "../support/bunker.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { keyPair } from "../support/keys.ts";

const template = { kind: 1, created_at: 1_700_000_000, tags: [], content: "x" };
const peer = keyPair("customer").pubkey;

/** What our tests call a remote signer must be one for others' clients, too: none of them has a signer to test with. */
Deno.test("the tests' remote signer serves the client of nostr-tools", async () => {
  await using relay = await FakeRelay.start();
  await using bunker = await Bunker.start(relay.url);
  const pool = new SimplePool();
  const pages: string[] = [];
  const signer = BunkerSigner.fromBunker(generateSecretKey(), (await parseBunkerInput(bunker.url))!, {
    pool,
    onauth: (url) => {
      pages.push(url);
      bunker.approve();
    },
  });
  bunker.is.authUrl = "https://bunker.example/";
  await signer.connect();
  assertEquals(pages, ["https://bunker.example/"]);
  assertEquals(await signer.getPublicKey(), bunker.merchant.pubkey);
  assert(verifyEvent(await signer.signEvent(template)));
  assertEquals(await signer.nip44Decrypt(peer, await signer.nip44Encrypt(peer, "hi")), "hi");
  assertEquals(await signer.nip04Decrypt(peer, await signer.nip04Encrypt(peer, "hi")), "hi");
  await signer.close();
  pool.destroy();
});

Deno.test("the tests' remote signer serves the client of nostrify", async () => {
  await using server = await FakeRelay.start();
  await using bunker = await Bunker.start(server.url);
  const relay = new NRelay1(server.url, { backoff: false });
  const signer = new NConnectSigner({
    relay,
    pubkey: bunker.pubkey,
    signer: new NSecSigner(generateSecretKey()),
  });
  assertEquals(await signer.connect(bunker.secret!), "ack");
  assertEquals(await signer.getPublicKey(), bunker.merchant.pubkey);
  assert(verifyEvent(await signer.signEvent(template)));
  assertEquals(await signer.nip44.decrypt(peer, await signer.nip44.encrypt(peer, "hi")), "hi");
  await relay.close();
});
