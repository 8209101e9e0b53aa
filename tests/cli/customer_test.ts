import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openSqlite } from "../../src/db/sqlite.ts";
import * as nip19 from "nostr-tools/nip19";
import { ncc, place } from "./cli.ts";

const ALICE = "a1".repeat(32);
const BOB = "b0".repeat(32);
const DAY = 86_400_000;
const AT = Date.parse("2026-01-02T03:04:05Z");

Deno.test("customers are listed, shown and forgotten from the command line", async () => {
  await using p = await place();
  const run = (...args: string[]) => ncc(args, { environment: p.environment });
  const path = `${p.data}/ncc.db`;
  assertEquals((await run("init", "--yes", "--name", "Tea house")).code, 0);
  assertEquals((await run("customer", "list")).out, "No customers.");
  await bought(path, [ALICE, 21_000, AT], [ALICE, 4_000, AT + DAY], [BOB, 1_000, AT]);

  const listed = (await run("customer", "list")).out;
  for (const part of ["customer", ALICE, BOB, "25 sat", "2026-01-02", "2026-01-03"]) {
    assertStringIncludes(listed, part);
  }
  assertEquals(((await run("customer", "list", "--json", "--limit", "1")).json() as unknown[]).length, 1);
  assertEquals((await run("customer", "list", "--limit", "0")).code, 2);

  const npub = nip19.npubEncode(ALICE);
  const shown = (await run("customer", "show", npub, "--json")).json() as Record<string, unknown>;
  assertEquals([shown.pubkey, shown.orders, shown.spent_msat, shown.forgotten_orders], [
    ALICE,
    2,
    "25000",
    0,
  ]);
  const nobody = await run("customer", "show", "c0".repeat(32));
  assertEquals(nobody.code, 1);
  assert(nobody.err.length > 0 && !nobody.err.includes("    at "), nobody.err);
  assertEquals((await run("customer", "show")).code, 2);
  assertEquals((await run("customer", "forget", "nobody's key")).code === 0, false);

  const forgotten = await run("customer", "forget", npub);
  assertEquals(forgotten.code, 0);
  assertStringIncludes(forgotten.out, "Taken out of 2 orders, 1 messages deleted.");
  assertEquals(await data(path), [BOB]);
  const after = (await run("customer", "show", ALICE, "--json")).json() as Record<string, unknown>;
  assertEquals([after.orders, after.forgotten_orders], [2, 2]);
});

Deno.test("a backup that still holds a forgotten customer is named, and removed when asked", async () => {
  await using p = await place();
  const run = (...args: string[]) => ncc(args, { environment: p.environment });
  const path = `${p.data}/ncc.db`;
  assertEquals((await run("init", "--yes", "--name", "Tea house")).code, 0);
  await bought(path, [ALICE, 21_000, AT]);
  const backup = (await run("backup", "--json")).json() as { path: string };
  const named = await run("customer", "forget", ALICE);
  assertEquals(named.code, 0);
  assertStringIncludes(named.out, backup.path);
  assertStringIncludes(named.out, "--backups");
  const removed = await run("customer", "forget", ALICE, "--backups");
  assertStringIncludes(removed.out, `Removed: `);
  assertEquals((await run("customer", "forget", ALICE)).out.includes(backup.path), false);
});

/** Orders that are paid and done, with the customer's address, and one message of each customer. */
async function bought(
  path: string,
  ...orders: [customer: string, msat: number, at: number][]
): Promise<void> {
  const database = openSqlite(path);
  try {
    await database.transaction(async (tx) => {
      const { pubkey: merchant } = await tx.selectFrom("merchants").select("pubkey")
        .executeTakeFirstOrThrow();
      for (const [n, [customer, msat, at]] of orders.entries()) {
        await tx.insertInto("orders").values({
          id: `order-${n}`,
          merchant,
          customer,
          customer_order_id: `${n}`,
          dialect: "nip15",
          envelope: "nip04",
          relay: "",
          payment: "paid",
          fulfilment: "delivered",
          address: `Street of ${customer}`,
          contact: "{}",
          content_hash: "",
          traits: "{}",
          revision: 1,
          total_msat: msat,
          received_msat: msat,
          asked_at_seconds: 0,
          paid_at: at,
          created_at: at,
          updated_at: at,
        }).execute();
      }
      for (const customer of new Set(orders.map(([customer]) => customer))) {
        await tx.insertInto("messages").values({
          merchant,
          customer,
          direction: "in",
          type: "chat",
          envelope: "nip04",
          body: `Words of ${customer}`,
          event_id: customer,
          at: AT,
        }).execute();
      }
    });
  } finally {
    await database.close();
  }
}

/** Whose address or words the database has. */
async function data(path: string): Promise<string[]> {
  const database = openSqlite(path);
  try {
    const orders = await database.kysely.selectFrom("orders").select(["customer", "address"]).execute();
    const messages = await database.kysely.selectFrom("messages").select(["customer", "body"]).execute();
    assert(JSON.stringify([orders, messages]).includes(`Words of ${BOB}`));
    return [
      ...new Set([
        ...orders.filter(({ address }) => address !== null).map(({ customer }) => customer),
        ...messages.map(({ customer }) => customer),
      ]),
    ];
  } finally {
    await database.close();
  }
}
