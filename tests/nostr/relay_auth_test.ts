import { assertEquals, assertRejects } from "@std/assert";
import { RelayAuth } from "../../src/nostr/relay_auth.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { signerThatFails } from "../support/failing_signer.ts";
import { silentLog } from "../support/log.ts";
import { testSigner } from "../support/wire.ts";

const signer = testSigner();

function auth(o: { down?: boolean } = {}) {
  const clock = new FakeClock();
  const relayAuth = new RelayAuth({
    url: "wss://relay.example",
    signer: signerThatFails(signer, () => o.down ?? false),
    clock,
    log: silentLog,
  });
  const said: string[] = [];
  const refused = { again: () => said.push("again"), final: () => said.push("final") };
  return { relayAuth, clock, said, refused };
}

Deno.test("what waits for AUTH is sent again after the relay's OK, whichever came first", async () => {
  const { relayAuth, said, refused } = auth();
  relayAuth.wait(refused);
  relayAuth.challenged();
  const { id, tags } = await relayAuth.answer("abc");
  assertEquals(tags, [["relay", "wss://relay.example"], ["challenge", "abc"]]);
  assertEquals([relayAuth.answered("another event", true), said], [false, []]);
  assertEquals([relayAuth.answered(id, true), said], [true, ["again"]]);
  relayAuth.wait(refused);
  assertEquals(said, ["again", "again"]);
  relayAuth.end();
});

Deno.test("no challenge within eight seconds, a refused answer and an absent signer are final", async () => {
  const late = auth();
  late.relayAuth.wait(late.refused);
  await late.clock.advance(7_999);
  assertEquals(late.said, []);
  await late.clock.advance(1);
  assertEquals(late.said, ["final"]);

  const wrong = auth();
  wrong.relayAuth.wait(wrong.refused);
  wrong.relayAuth.answered((await wrong.relayAuth.answer("abc")).id, false);
  assertEquals(wrong.said, ["final"]);
  wrong.relayAuth.end();

  const down = auth({ down: true });
  down.relayAuth.wait(down.refused);
  await assertRejects(() => down.relayAuth.answer("abc"), Error, "the signer is down");
  assertEquals(down.said, ["final"]);
  down.relayAuth.end();
});

Deno.test("nobody is told anything once the connection is gone", async () => {
  const { relayAuth, clock, said, refused } = auth();
  relayAuth.wait(refused);
  relayAuth.end();
  await clock.advance(60_000);
  assertEquals(said, []);
});

Deno.test("challenges without end are refused", () => {
  const { relayAuth } = auth();
  assertEquals(Array.from({ length: 9 }, () => relayAuth.challenged()), [...Array(8).fill(true), false]);
});

Deno.test("`restricted:` concerns AUTH only between challenge and outcome", async () => {
  const { relayAuth } = auth();
  const says = () => [relayAuth.concerns("restricted: x"), relayAuth.concerns("auth-required: x")];
  assertEquals(says(), [false, true]);
  relayAuth.challenged();
  assertEquals(says(), [true, true]);
  relayAuth.answered((await relayAuth.answer("abc")).id, true);
  assertEquals(says(), [false, true]);
  relayAuth.end();
});
