import { assertEquals, assertRejects } from "@std/assert";
import { localSigner } from "../../../src/nostr/signer.ts";
import { pureCrypto } from "../../../src/nostr/verify.ts";
import { NwcChannel } from "../../../src/payments/nwc/channel.ts";
import { systemRandom } from "../../../src/random.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { FakeRelay } from "../../support/fake_relay.ts";
import { silentLog } from "../../support/log.ts";
import { testPool } from "../../support/wire.ts";

function open(relay: string) {
  const signer = localSigner(new Uint8Array(32).fill(1), pureCrypto);
  const pool = testPool({ signer });
  const channel = new NwcChannel({
    walletPubkey: "a".repeat(64),
    relays: [relay],
    signer,
    pool,
    verifier: pureCrypto,
    clock: new FakeClock(Date.now()),
    random: systemRandom,
    log: silentLog,
    onResponse: () => {},
    onNotification: () => {},
    onGap: () => {},
  });
  return {
    channel,
    async [Symbol.asyncDispose]() {
      await channel.close();
      await pool[Symbol.asyncDispose]();
    },
  };
}

Deno.test("who gives up waiting for a relay isn't remembered", async () => {
  await using scene = open("ws://127.0.0.1:1");
  const { channel } = scene;
  for (let n = 0; n < 100; n++) {
    const wait = new AbortController();
    const ready = channel.ready(wait.signal);
    assertEquals(channel.waiting, 1);
    wait.abort(new Error("no patience left"));
    await assertRejects(() => ready, Error, "no patience left");
  }
  assertEquals(channel.waiting, 0);
});

Deno.test("all who wait are told when a relay is there", async () => {
  await using relay = await FakeRelay.start();
  await using scene = open(relay.url);
  const wait = new AbortController();
  await Promise.all([1, 2, 3].map(() => scene.channel.ready(wait.signal)));
  assertEquals(scene.channel.waiting, 0);
});
