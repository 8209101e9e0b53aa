import { assertEquals } from "@std/assert";
import { checkBooks } from "../support/books.ts";
import { type Answer, Customer, orderJson } from "../support/customer.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

const CUSTOMERS = 6;
/** Of each merchant's cups. */
const CUPS = 5;

onEachDatabase(
  "two processes serve two merchants: each customer is served once, and nothing happens twice",
  async (database) => {
    if (database.dialect === "sqlite") return;
    await using shop = await Shop.open({ database });
    await using other = await shop.another();
    // Both serve it before there is anything to do.
    const books = [await shop.neighbour("books", { stocked: true }), await other.neighbour("books")];
    const people = Array.from({ length: CUSTOMERS }, (_, i) => [
      new Customer(i % 2 === 0 ? shop : other, `tea ${i}`, "nip04"),
      new Customer(books[i % 2]!, `book ${i}`, "nip17"),
    ]).flat();
    const settle = () => Promise.all([shop.settle(), other.settle()]);
    const hear = () => Promise.all(people.map((one) => one.hears()));

    await Promise.all(people.map((one) => one.writes(orderJson())));
    await settle();
    const answers = await hear();
    assertEquals(answers.map((all) => all.length), people.map(() => 1));
    const asked = answers.flat().filter((answer: Answer) => answer.payment_options!.length > 0);
    assertEquals(asked.length, 2 * CUPS);

    // By whatever wallet an invoice is, both processes find out when they ask for it.
    for (const answer of asked) await shop.paid(answer.payment_options![0]!.link, { silently: true });
    for (let i = 0; i < 10; i++) {
      await shop.sleeps(5_000);
      await settle();
    }
    const told = (await hear()).flat();
    assertEquals(told.map((answer) => answer.paid), asked.map(() => true));
    const orders = await shop.orders();
    for (const merchant of [shop.merchant, books[0]!.merchant]) {
      const theirs = orders.filter((order) => order.merchant === merchant);
      assertEquals(theirs.map((order) => order.payment).sort(), [...Array(CUPS).fill("paid"), "rejected"]);
    }
    const payments = await database.kysely.selectFrom("payments").select(["order_id", "state"]).execute();
    assertEquals(payments.length, 2 * CUPS);
    assertEquals(new Set(payments.map((one) => one.order_id)).size, 2 * CUPS);
    await checkBooks(shop);
  },
);
