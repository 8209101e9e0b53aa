import { assert, assertEquals, assertRejects } from "@std/assert";
import { createServer } from "node:net";
import { systemClock } from "../../src/clock.ts";
import { AddressGuard } from "../../src/web/address_guard.ts";
import { LinkError } from "../../src/nostr/relay_link.ts";
import { guardedUrl } from "../../src/nostr/websocket.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { ExampleGuard, named } from "../support/open_guard.ts";
import { directMessage, testPool, testSigner } from "../support/wire.ts";

const merchant = testSigner();
const message = () => directMessage(merchant.pubkey, { at: Math.floor(systemClock.now() / 1000) });

Deno.test("a configured relay may be loopback, the same address named by a stranger is never connected", async () => {
  await using configured = await FakeRelay.start();
  await using victim = await FakeRelay.start();
  await using pool = testPool({ trusted: [configured.url], relayOptions: { publishTimeoutMs: 300 } });
  assertEquals((await pool.publish(`${configured.url}/`, message())).ok, true);
  const port = new URL(victim.url).port;
  for (
    const url of [victim.url, `wss://127.0.0.1:${port}`, `ws://localhost:${port}`, `wss://localhost:${port}`]
  ) {
    await assertRejects(() => pool.publish(url, message()));
  }
  assertEquals(victim.connections, 0);
});

Deno.test("the connection goes to the address that was checked, whatever the name says a moment later", async () => {
  await using relay = await FakeRelay.start();
  const guard = new ExampleGuard();
  await using pool = testPool({ trusted: [], guard });
  assertEquals((await pool.publish(named(relay.url), message())).ok, true);
  assertEquals([guard.dialled, relay.events.length], [["relay.customer.example"], 1]);
});

Deno.test("a name that was public when it was checked and isn't when it is dialled connects to nothing", async () => {
  await using victim = await FakeRelay.start();
  let answers = 0;
  const rebinding = new AddressGuard({
    resolve: () => Promise.resolve([answers++ === 0 ? "93.184.215.14" : "127.0.0.1"]),
  });
  const url = `wss://rebind.example.com:${new URL(victim.url).port}`;
  assertEquals(await rebinding.check(url, "wss:"), { ok: true });
  await using pool = testPool({ trusted: [], guard: rebinding, relayOptions: { publishTimeoutMs: 300 } });
  const error = await assertRejects(() => pool.publish(url, message()), Error);
  assert(error.message.includes("not a public address"), error.message);
  assertEquals([victim.connections, answers >= 2], [0, true]);
});

Deno.test("over TLS the name is what the certificate must have, the address what was checked", async () => {
  const hello = Promise.withResolvers<string>();
  const server = createServer((socket) =>
    socket.once("data", (data) => {
      hello.resolve(data.toString("latin1"));
      socket.destroy();
    })
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const guard = new AddressGuard({
    resolve: () => Promise.resolve(["127.0.0.1"]),
    isAllowed: (address) => address === "127.0.0.1",
  });
  await using pool = testPool({ trusted: [], guard, relayOptions: { publishTimeoutMs: 300 } });
  const publishing = assertRejects(() => pool.publish(`wss://relay.example.com:${port}`, message()));
  assert((await hello.promise).includes("relay.example.com"));
  await publishing;
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("no other WebSocket opens a guarded URL", () => {
  let opened: WebSocket | undefined;
  try {
    opened = new WebSocket(guardedUrl("wss://relay.example.com"));
  } catch (error) {
    assert(error instanceof DOMException && error.name === "SyntaxError");
  }
  assertEquals(opened, undefined);
});

Deno.test("strangers can't make us open a connection for each relay they make up", async () => {
  await using relay = await FakeRelay.start();
  const deaf = new AddressGuard({ resolve: () => new Promise(() => {}) });
  await using pool = testPool({
    trusted: [relay.url],
    guard: deaf,
    relayOptions: { publishTimeoutMs: 1_000 },
  });
  const outcomes = await Promise.allSettled(
    [...Array(100)].map((_, i) => pool.publish(`wss://relay${i}.example.com`, message())),
  );
  const waits = outcomes.filter((one) => one.status === "rejected" && one.reason instanceof LinkError);
  assertEquals(waits.length, 40);
  assertEquals((await pool.publish(relay.url, message())).ok, true);
});
