import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../src/db/open.ts";
import { recordUnmatched } from "../../src/payments/unmatched.ts";
import { ncc, place } from "./cli.ts";

Deno.test("payments are listed, and one that matches no order is given to one, without a server running", async () => {
  await using p = await place();
  const { environment } = p;
  const ok = async (...args: string[]) => {
    const ran = await ncc(args, { environment });
    assertEquals([ran.code, ran.err], [0, ""], args.join(" "));
    return ran;
  };
  await ok("init", "--yes", "--name", "Tea house", "--wallet", "demo:");
  assertEquals((await ok("payment", "list")).out, "No payments.");
  assertEquals((await ok("payment", "unmatched")).out, "No unmatched payments.");
  const database = await openDatabase(null, p.data);
  const now = Date.UTC(2026, 0, 1);
  await database.transaction(async (tx) => {
    const { pubkey } = await tx.selectFrom("merchants").select("pubkey").executeTakeFirstOrThrow();
    const payment = { id: "pay-1", merchant: pubkey, wallet: "demo", invoiceId: null, settledAt: now, now };
    await recordUnmatched(tx, { ...payment, paymentHash: "ab".repeat(32), amountMsat: 21_000n }, "");
    await tx.insertInto("orders").values({
      id: "order-1",
      merchant: pubkey,
      customer: "b".repeat(64),
      customer_order_id: "1",
      dialect: "nip15",
      envelope: "nip04",
      relay: "",
      payment: "awaiting",
      fulfilment: "none",
      contact: "{}",
      content_hash: "",
      traits: JSON.stringify({ stallKey: "none" }),
      revision: 1,
      total_msat: 42_000,
      received_msat: 0,
      asked_at_seconds: 0,
      created_at: now,
      updated_at: now,
    }).execute();
  });
  await database.close();
  for (const list of ["list", "unmatched"]) {
    assertMatch((await ok("payment", list)).out, /^pay-1 +2026-01-01 00:00 +21 sat +unmatched +demo$/m);
  }
  assertEquals(
    (await ok("payment", "assign", "pay-1", "order-1")).out,
    "21 sat now belong to order order-1.",
  );
  assertEquals((await ok("payment", "unmatched")).out, "No unmatched payments.");
  const again = await ncc(["payment", "assign", "pay-1", "order-1"], { environment });
  assertEquals([again.code, again.err], [1, "✗ The payment belongs to order order-1 already."]);
  assertEquals((await ncc(["payment", "list", "--limit", "0"], { environment })).code, 2);

  const accepted = await ok("order", "accept", "order-1");
  assertStringIncludes(accepted.out, "Order order-1 is paid, with 21 sat.");
  const none = await ncc(["order", "accept", "none"], { environment });
  assert(none.code === 1 && none.err === "✗ There is no order none.");
});
