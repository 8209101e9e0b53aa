import { assert, assertEquals } from "@std/assert";
import { checkBooks } from "../../support/books.ts";
import { orderJson, refusalIn, requestIn, toldIn } from "../../support/customer.ts";
import { onEachDatabase } from "../../support/databases.ts";
import { Shop } from "../../support/shop.ts";

const cancel = (id: unknown = "order-1", status = "cancelled") => ({ id, type: 3, status });

async function alerts(shop: Shop): Promise<string[]> {
  const rows = await shop.database.kysely.selectFrom("notices").select("kind").orderBy("seq").execute();
  return rows.map((row) => row.kind);
}

onEachDatabase(
  "#34 cancelled before payment: told once, the goods are free, the invoice is void",
  async (database) => {
    await using shop = await Shop.open({ database });
    for (const envelope of ["nip04", "nip17"] as const) {
      const customer = shop.customer(envelope, envelope);
      const request = requestIn(await customer.orders({ id: envelope }));
      assertEquals(
        refusalIn(await customer.says(cancel(envelope))),
        "This order is cancelled, as you asked.",
      );
      const order = await shop.order(envelope);
      assertEquals([order.payment, order.reason], ["cancelled", "This order was cancelled by the customer."]);
      assertEquals((await shop.stock()).held, 0);
      // Paid all the same, it goes back.
      const [told] = toldIn(await customer.pays(request));
      assert(told!.includes("The payment came after the order was cancelled. You'll get back the 100 sat"));
    }
    await checkBooks(shop);
  },
);

Deno.test("#34 cancelled after payment: the merchant decides and is told, the order stands", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  await alice.pays(requestIn(await alice.orders()));
  assertEquals(toldIn(await alice.says(cancel())), [
    "processing, paid: This order is already paid. The merchant is told that you'd like to cancel.",
  ]);
  assertEquals((await shop.order()).payment, "paid");
  assertEquals((await alerts(shop)).filter((kind) => kind === "cancel_requested").length, 1);
});

Deno.test("#34 both spellings, numbers and texts; what is another type 3 is no cancellation", async () => {
  await using shop = await Shop.open({ terms: { maxOpenOrders: 9 } });
  const alice = shop.customer();
  for (
    const [id, type, status] of [["a", 3, "canceled"], ["b", "3", "CANCELLED"], [5, "3.0", " cancelled "]]
  ) {
    requestIn(await alice.says({ ...orderJson(), id }));
    const answer = (await alice.says({ id, type, status }))[0]!;
    assertEquals([answer.id, answer.payment_options], [id, []] as unknown);
  }
  requestIn(await alice.orders());
  for (const status of ["confirmed", "completed", "processing", "", null, 5]) {
    assertEquals(await alice.says({ id: "order-1", type: 3, status }), []);
  }
  assertEquals((await shop.order("order-1")).payment, "awaiting");
});

Deno.test("#34 Gamma's cancellation (kind 16, tags) ends the order it names, in the order's own words", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice", "nip17");
  await alice.orders({ stall_id: "tea" });
  const tags = (
    order: string,
  ) => [["p", shop.merchant], ["type", "3"], ["order", order], ["status", "cancelled"]];
  assertEquals(
    await alice.says("", { kind: 16, tags: tags("order-2") }),
    [],
    "nobody's order, and maybe a bot",
  );
  const answers = await alice.says("changed my mind", { kind: 16, tags: tags("order-1") });
  assertEquals(answers.map(({ type, status, envelope }) => [type, status, envelope]), [
    [1, undefined, "nip17"],
    [2, "cancelled", "nip17"],
  ]);
  assertEquals((await shop.orders()).map((order) => order.payment), ["cancelled"]);
});

Deno.test("#34 free text that wants to cancel is for people", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  requestIn(await alice.orders());
  assertEquals(await alice.says("Please cancel my order order-1!"), []);
  assertEquals((await shop.order()).payment, "awaiting");
});

onEachDatabase("#34 the cancellation comes before its order: the order doesn't begin", async (database) => {
  await using shop = await Shop.open({ database });
  const alice = shop.customer();
  const at = Math.floor(shop.clock.now() / 1000);
  assertEquals(
    refusalIn(await alice.says(cancel(), { at })),
    "We have no order with this id. If it still reaches us, it counts as cancelled, as you asked.",
  );
  for (const written of [at - 1, at]) {
    assertEquals(
      refusalIn(await alice.orders({}, { at: written })),
      "This order was cancelled by the customer.",
    );
  }
  assertEquals((await shop.orders()).map((order) => order.payment), ["cancelled"]);
  assertEquals(await shop.stock(), { onHand: 5, held: 0 });
  assertEquals(await alerts(shop), [], "no news for the merchant");
});

Deno.test("#34 a cancellation that was written before the order's last change cancels nothing", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const at = Math.floor(shop.clock.now() / 1000);
  requestIn(await alice.orders({}, { at }));
  requestIn(await alice.orders({ address: "2 Other Street" }, { at: at + 2 }));
  requestIn(await alice.says(cancel(), { at: at + 1 }));
  assertEquals((await shop.order()).payment, "awaiting");
});

Deno.test("#34 a cancellation of before two days is not answered; one without an id is, without one", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer();
  const at = Math.floor(shop.clock.now() / 1000);
  requestIn(await alice.orders());
  assertEquals(await alice.says(cancel(), { at: at - 49 * 3600 }), []);
  assertEquals(await alice.says(cancel("unknown"), { at: at - 49 * 3600 }), []);
  const [answer] = await alice.says({ type: 3, status: "cancelled" });
  assertEquals(Object.keys(JSON.parse(answer!.raw)), ["type", "message", "payment_options"]);
  assertEquals(
    answer!.message,
    "The cancellation doesn't name its order: please send the order's id with it.",
  );
});
