import { assertEquals } from "@std/assert";
import { sendChat } from "../../src/messages/chat.ts";
import { systemRandom } from "../../src/random.ts";
import { onEachDatabase } from "../support/databases.ts";
import { Shop } from "../support/shop.ts";

onEachDatabase(
  "a person's answer takes the customer's last way, and NIP-17 to who never wrote",
  async (database) => {
    await using shop = await Shop.open({ database });
    const alice = shop.customer("alice");
    const parts = { database, clock: shop.clock, random: systemRandom };
    const say = (text: string) => sendChat(parts, shop.identity, alice.pubkey, text);
    const first = await say("We have new cups.");
    assertEquals([first.body, first.direction, first.envelope], ["We have new cups.", "out", "nip17"]);
    assertEquals((await alice.hears()).map((answer) => [answer.text, answer.envelope]), [[
      "We have new cups.",
      "nip17",
    ]]);

    await alice.says("How many?");
    const second = await say("Five.");
    assertEquals([second.body, second.envelope], ["Five.", "nip04"]);
    const [answer] = await alice.hears();
    assertEquals([answer!.text, answer!.envelope], ["Five.", "nip04"]);
  },
);

Deno.test("the customer's way is known also when the inbox was emptied", async () => {
  await using shop = await Shop.open();
  const alice = shop.customer("alice");
  await alice.says("Hello");
  await shop.database.kysely.deleteFrom("inbox").execute();
  const row = await sendChat(
    { database: shop.database, clock: shop.clock, random: systemRandom },
    shop.identity,
    alice.pubkey,
    "Hello!",
  );
  assertEquals(row.envelope, "nip04");
});
