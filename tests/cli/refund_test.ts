import { assertEquals, assertStringIncludes } from "@std/assert";
import { openSqlite } from "../../src/db/sqlite.ts";
import { openRefund } from "../../src/payments/refunds.ts";
import { ncc, place } from "./cli.ts";

Deno.test("refunds are listed, approved, marked and cancelled from the command line", async () => {
  await using p = await place();
  const run = (...args: string[]) => ncc(args, { environment: p.environment });
  assertEquals((await run("init", "--yes", "--name", "Tea house")).code, 0);
  assertEquals((await run("refund", "list")).out, "No refunds.");
  const [one, two] = await owed(`${p.data}/ncc.db`);
  const listed = (await run("refund", "list")).out;
  for (const part of [one, two, "21 sat", "due", "none yet", "Nobody's"]) assertStringIncludes(listed, part!);
  const refused = await run("refund", "approve", one!);
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "NCC_WALLET_SPEND");
  const byHand = await run("refund", "by-hand", one!, "--note", "Cash");
  assertEquals(byHand.out, `Refund ${one} over 21 sat is by_hand.`);
  assertEquals((await run("refund", "cancel", two!)).code, 2);
  assertEquals((await run("refund", "cancel", two!, "--reason", "No")).code, 0);
  assertEquals((await run("refund", "retry", two!)).code, 2);
  assertStringIncludes((await run("refund", "retry", two!, "--not-paid")).err, "isn't in doubt");
  const states = (await run("refund", "list", "--json")).json() as { id: string; state: string }[];
  assertEquals(
    new Map(states.map(({ id, state }) => [id, state])),
    new Map([[one, "by_hand"], [two, "cancelled"]]),
  );
  assertEquals((await run("refund", "list", "--state", "sent")).out, "No refunds.");
});

/** Two refunds of 21 sat each of a payment that matches no order. */
async function owed(path: string): Promise<string[]> {
  const database = openSqlite(path);
  try {
    return await database.transaction(async (tx) => {
      const { pubkey: merchant } = await tx.selectFrom("merchants").select("pubkey")
        .executeTakeFirstOrThrow();
      const payment = { id: "p", merchant, wallet: "demo", payment_hash: "h", amount_msat: 42_000 };
      await tx.insertInto("payments").values({ ...payment, state: "unmatched", settled_at: 1, created_at: 1 })
        .execute();
      const ids: string[] = [];
      for (const fact of ["a", "b"]) {
        const opened = await openRefund(
          tx,
          { merchant, paymentId: "p", customer: null, amountMsat: 21_000n, reason: "Nobody's", fact },
          1,
        );
        if (opened.ok) ids.push(opened.refund.id);
      }
      return ids;
    });
  } finally {
    await database.close();
  }
}
