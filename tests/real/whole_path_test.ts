import { assert, assertEquals, assertExists } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import { freshUrl } from "../support/fresh_database.ts";
import { freePort, NccProcess } from "../support/ncc_process.ts";
import { NostrClient } from "../support/nostr_client.ts";
import { serveNpmRelay } from "../support/npm_relay.ts";
import { NwcService } from "../support/nwc_service.ts";
import { lightningLink, lnbitsOrder, Shopper } from "../support/shopper.ts";

const PATIENCE_MS = 15_000;

const stall = {
  id: "lamps",
  name: "Lamp shop",
  currency: "sat",
  shipping: [{ id: "post", name: "Post", cost: 1500, regions: ["*"] }],
};
const lamp = { id: "lamp", stall_id: "lamps", name: "Lamp", price: 20_000, quantity: 10 };

interface OrderJson {
  id: string;
  customer_order_id: string;
  payment: string;
  received_msat: string;
}

/**
 * The whole path with real parts that aren't ours: the relay (`@nostr-relay/core`), the wallet (`@getalby/sdk`'s service), the
 * customers (nostr-tools), and `ncc start` as a process of its own that is restarted while an order waits for its payment.
 */
Deno.test("a shop sells over a relay and a wallet that aren't ours, by NIP-04 and NIP-17, through a restart", async () => {
  await using relay = await serveNpmRelay();
  await using wallet = await NwcService.start(relay.url);
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  await using fresh = await freshUrl("");
  const setup = {
    dataDir,
    port: freePort(),
    settings: { NCC_RELAYS: relay.url, NCC_WALLET: wallet.url, NCC_DATABASE_URL: fresh.url },
  };
  let ncc = new NccProcess(setup);
  try {
    assertExists(await ncc.ready(PATIENCE_MS), await logOf(dataDir));
    await ncc.call("POST", "/stalls", stall);
    await ncc.call("POST", "/products", lamp);
    const merchant = (await ncc.call<{ data: { pubkey: string }[] }>("GET", "/merchants")).data[0]!.pubkey;
    await using reader = await NostrClient.connect(relay.url, PATIENCE_MS);
    await until("the catalogue is on the relay", async () => {
      const events = await reader.query({ kinds: [30017, 30018], authors: [merchant] });
      return events.length === 2;
    });

    const shopper = (envelope: "nip04" | "nip17") =>
      new Shopper({ secretKey: generateSecretKey(), merchant, envelope, relay: relay.url });
    await using alice = shopper("nip04");
    await using bob = shopper("nip17");
    await alice.connect();
    await bob.connect();

    assert(await alice.write(lnbitsOrder("alice-1", "lamp", 2, "post")));
    assert(await bob.write(lnbitsOrder("bob-1", "lamp", 3, "post")));
    const bills = new Map<Shopper, string>();
    for (const [who, sat] of [[alice, 41_500], [bob, 61_500]] as const) {
      const request = await who.hears((message) => message.type === 1, PATIENCE_MS);
      const link = request && lightningLink(request);
      assertExists(link, `no payment request: ${JSON.stringify(request)} ${await logOf(dataDir)}`);
      assertEquals(wallet.books().find((entry) => entry.bolt11 === link)?.amountMsat, sat * 1000);
      bills.set(who, link);
    }

    assertEquals(await wallet.settle(bills.get(alice)!), null);
    assertExists(await alice.hears((message) => message.paid === true, PATIENCE_MS), await logOf(dataDir));

    // Bob pays while nobody is there to hear of it.
    assertEquals(await ncc.end("SIGTERM"), 0, await logOf(dataDir));
    assertEquals(await wallet.settle(bills.get(bob)!), null);
    ncc = new NccProcess(setup);
    assertExists(await ncc.ready(PATIENCE_MS), await logOf(dataDir));
    assertExists(await bob.hears((message) => message.paid === true, PATIENCE_MS), await logOf(dataDir));

    const orders = await ncc.all<OrderJson>("/orders");
    assertEquals(
      orders.map((order) => [order.customer_order_id, order.payment, order.received_msat]).sort(),
      [
        ["alice-1", "paid", "41500000"],
        ["bob-1", "paid", "61500000"],
      ],
    );
    for (const [who, id] of [[alice, "alice-1"], [bob, "bob-1"]] as const) {
      await ncc.call("POST", `/orders/${orders.find((order) => order.customer_order_id === id)!.id}/ship`, {
        carrier: "DHL",
        tracking: "0034",
      });
      assertExists(await who.hears((message) => message.shipped === true, PATIENCE_MS));
      assertEquals([...who.messages.values()].map((message) => message.type), [1, 2, 2]);
      assertEquals(who.unreadable, []);
    }
    await until("the relay shows the new quantity", async () => {
      const [product] = await reader.query({ kinds: [30018], authors: [merchant] });
      return JSON.parse(product!.content).quantity === 5;
    });
    assertEquals(await ncc.all("/jobs?state=dead"), []);
    assertEquals(await ncc.end("SIGTERM"), 0);
  } finally {
    await ncc.end("SIGKILL");
    await Deno.remove(dataDir, { recursive: true });
  }
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
}

async function logOf(dataDir: string): Promise<string> {
  return `ncc's log:\n${await Deno.readTextFile(`${dataDir}/test.log`)}`;
}
