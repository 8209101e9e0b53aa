import { assertEquals, assertRejects } from "@std/assert";
import { migrations } from "../../migrations/mod.ts";
import { migrate } from "../../src/db/migrator.ts";
import { onEachEmptyDatabase } from "../support/databases.ts";

const order = (id: string, payment: "held" | "paid") => ({
  id,
  merchant: "m",
  customer: "c",
  customer_order_id: id,
  dialect: "nip15",
  envelope: "nip04" as const,
  relay: "",
  payment,
  fulfilment: "none" as const,
  contact: "{}",
  content_hash: "",
  traits: "{}",
  revision: 1,
  total_msat: 1_000,
  received_msat: 0,
  asked_at_seconds: 0,
  created_at: 0,
  updated_at: 0,
});

const invoice = (order_id: string, attempt: number, hold: number) => ({
  id: `${order_id} ${attempt}`,
  merchant: "m",
  order_id,
  attempt,
  hold,
  type: "ln" as const,
  wallet: "w",
  state: "void" as const,
  amount_msat: 1_000,
  created_at: 0,
  updated_at: 0,
});

/** All that came before this one. */
const before = (name: string) =>
  Object.fromEntries(Object.entries(migrations).filter(([other]) => other < name));

onEachEmptyDatabase(
  "money that waits when the program is upgraded is the newest hold invoice's",
  async (shared) => {
    const database = await shared.open();
    await migrate(database, before("0004"));
    await database.transaction(async (tx) => {
      await tx.insertInto("orders").values([order("waits", "held"), order("has", "paid")]).execute();
      await tx.insertInto("invoices").values([
        invoice("waits", 1, 1),
        invoice("waits", 2, 1),
        invoice("waits", 3, 0),
        invoice("has", 1, 1),
      ]).execute();
    });
    await migrate(database, migrations);
    const rows = await database.kysely.selectFrom("orders").select(["id", "held_invoice"]).orderBy("id")
      .execute();
    assertEquals(rows.map((row) => [row.id, row.held_invoice]), [["has", null], ["waits", "waits 2"]]);
  },
);

onEachEmptyDatabase(
  "addresses that were given out stay their orders' when others need have none",
  async (shared) => {
    const database = await shared.open();
    await migrate(database, before("0005"));
    const address = (address_index: number, order_id: string | null) => ({
      address: `a${address_index}`,
      script_hash: "s",
      network: "bc" as const,
      account: "x",
      address_index,
      merchant: "m",
      order_id,
      used: 1 as const,
      next_lookup_at: 7,
      created_at: 0,
    });
    const add = (row: ReturnType<typeof address>) =>
      database.transaction((tx) => tx.insertInto("chain_addresses").values(row).execute());
    await add(address(0, "waits"));
    await migrate(database, migrations);
    await add(address(1, null));
    await add(address(2, null));
    await assertRejects(() => add(address(3, "waits")));
    await assertRejects(() => add({ ...address(2, null), address: "other" }));
    const rows = await database.kysely.selectFrom("chain_addresses").select([
      "address",
      "order_id",
      "used",
      "next_lookup_at",
    ])
      .orderBy("address").execute();
    assertEquals(rows.map((row) => [row.address, row.order_id, row.used, row.next_lookup_at]), [
      ["a0", "waits", 1, 7],
      ["a1", null, 1, 7],
      ["a2", null, 1, 7],
    ]);
  },
);
