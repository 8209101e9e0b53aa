import { assertEquals } from "@std/assert";
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

onEachEmptyDatabase(
  "money that waits when the program is upgraded is the newest hold invoice's",
  async (shared) => {
    const database = await shared.open();
    await migrate(
      database,
      Object.fromEntries(Object.entries(migrations).filter(([name]) => name < "0004")),
    );
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
