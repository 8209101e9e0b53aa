import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import { Shopper } from "../support/shopper.ts";
import { ncc, place } from "./cli.ts";

const PATIENCE_MS = 10_000;

Deno.test("a new user sees a sale with the demo wallet: set up, start, fill, an order, pay, ship", async () => {
  await using p = await place();
  const { environment } = p;
  const ok = async (...args: string[]) => {
    const ran = await ncc(args, { environment });
    assertEquals([ran.code, ran.err], [0, ""], args.join(" "));
    return ran;
  };
  const { npub } = (await ok("init", "--yes", "--name", "Tea house", "--wallet", "demo:", "--json"))
    .json() as {
      npub: string;
    };
  const ended = Promise.withResolvers<void>();
  const up = Promise.withResolvers<void>();
  const server = ncc(["start"], {
    environment,
    interactive: true,
    terminated: ended.promise,
    onOut: (text) => text.includes("Ready in") && up.resolve(),
  });
  await up.promise;
  const status = await ok("status");
  assertStringIncludes(status.out, "ready");
  assertMatch(status.out, /✓ +wallet +demo wallet/);
  const stall = (await ok("stall", "add", "Tea", "--zone", "World=10", "--id", "tea", "--json")).json() as {
    merchant: string;
    shipping: { id: string }[];
  };
  assertEquals(
    (await ok("product", "add", "Cup", "--stall", "tea", "--price", "100", "--quantity", "5", "--id", "cup"))
      .out,
    'Product cup "Cup" created.',
  );
  assert((await ok("key", "show")).out.includes(npub));

  await using alice = new Shopper({
    secretKey: generateSecretKey(),
    merchant: stall.merchant,
    envelope: "nip17",
    relay: `ws://127.0.0.1:${environment.NCC_PORT}/relay`,
  });
  await alice.connect();
  const order = { type: 0, items: [{ product_id: "cup", quantity: 2 }], shipping_id: stall.shipping[0]!.id };
  await alice.write({ ...order, id: "one", address: "Some\u001b[2Jwhere", message: "Quick!" });
  assert(await alice.hears((message) => message.type === 1, PATIENCE_MS));

  const list = (await ok("order", "list", "--payment", "awaiting", "--json")).json() as { id: string }[];
  const { id } = list[0]!;
  assertMatch((await ok("order", "list")).out, /2 × Cup +210 sat +awaiting +none$/m);
  const paid = await ok("wallet", "settle", id);
  assertEquals(paid.out, `210 sat paid for order ${id}.`);
  assert(await alice.hears((message) => message.paid === true, PATIENCE_MS));
  const again = await ncc(["wallet", "settle", id], { environment });
  assertEquals([again.code, again.err], [1, `✗ Order ${id} has no open invoice.`]);

  const shipped = await ok("order", "ship", id, "--carrier", "DHL", "--tracking", "7");
  assertEquals(shipped.out, `Order ${id} is shipped. The customer is told.`);
  assert(await alice.hears((message) => message.shipped === true, PATIENCE_MS));
  const shown = await ok("order", "show", id);
  for (
    const part of ["paid, shipped", "2 × Cup", "210 sat, received 210 sat", "Quick!", "Shipped with DHL."]
  ) {
    assertStringIncludes(shown.out, part);
  }
  assert(!shown.out.includes("\u001b"));
  const timeline = (await ok("order", "show", id, "--json")).json() as { timeline: { event: string }[] };
  assert(timeline.timeline.some((one) => one.event === "shipped"));
  const story = await ok("order", "timeline", id);
  assertMatch(
    story.out,
    /^\S+ {2}The customer's order came in a gift wrap \(NIP-17\), first by our own relay\.$/m,
  );
  assertMatch(
    story.out,
    /^\S+ {2}Payment request delivered: accepted by our own relay \(the customer reads it\)\.$/m,
  );

  await alice.write({ ...order, id: "two", address: "Here" });
  assert(await alice.hears((message) => message.type === 1 && message.id === "two", PATIENCE_MS));
  const two =
    ((await ok("order", "list", "--payment", "awaiting", "--json")).json() as { id: string }[])[0]!.id;
  assertEquals((await ncc(["order", "cancel", two], { environment })).code, 2);
  const cancelled = await ok("order", "cancel", two, "--reason", "Sold out");
  assertEquals(cancelled.out, `Order ${two} is cancelled. The customer is told.`);
  const late = await ncc(["order", "ship", two], { environment });
  assertEquals(late.code, 1);
  assertStringIncludes(late.err, "cancelled");
  assertEquals((await ncc(["order", "show", "none"], { environment })).err, "✗ There is no order none.");
  ended.resolve();
  assertEquals((await server).code, 0);
});
