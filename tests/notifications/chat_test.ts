import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readAddressed } from "../../src/notifications/owner_reply_job.ts";
import { onEachDatabase } from "../support/databases.ts";
import { keyPair } from "../support/keys.ts";
import { Shop } from "../support/shop.ts";

const owner = keyPair("olivia").pubkey;
const alicesKey = keyPair("alice").pubkey;
const at = (key: string) => `@${key.slice(0, 8)}`;

onEachDatabase(
  "what a customer writes reaches the owners, and an owner's answer the customer",
  async (database) => {
    await using shop = await Shop.open({ database, owners: [owner] });
    const alice = shop.customer("alice", "nip17");
    const olivia = shop.customer("olivia");
    assertEquals(await alice.says("Do you have it in blue?"), []);
    const [told, ...more] = await olivia.hears();
    assertEquals(more, []);
    assertMatch(
      told!.raw,
      /^\[ncc\] npub1\w{7}…\w{6} wrote:\nDo you have it in blue\?\n\nTo answer, begin with @/,
    );
    assertStringIncludes(told!.raw, at(alicesKey));
    assertEquals(await olivia.says(`${at(alicesKey)} Yes, from Monday on.`), []);
    const answers = await alice.hears();
    assertEquals(answers.map(({ raw, envelope }) => [raw, envelope]), [["Yes, from Monday on.", "nip17"]]);
  },
);

for (const envelope of ["nip04", "nip17"] as const) {
  Deno.test(`an owner's answer to a forwarded message goes on to its author (${envelope})`, async () => {
    await using shop = await Shop.open({ owners: [owner], relays: ["wss://relay.example"] });
    const dm_relays = envelope === "nip17" ? '["wss://inbox.example"]' : "[]";
    await shop.database.kysely.insertInto("recipient_relays")
      .values({ pubkey: owner, dm_relays, read_relays: "[]", looked_up_at: shop.clock.now() }).execute();
    const alice = shop.customer();
    await alice.says("Hello?");
    const dm = await shop.database.kysely.selectFrom("outbox_events").select(["event_id", "message_id"])
      .where("purpose", "like", "notice:%recipient").executeTakeFirstOrThrow();
    assertEquals(dm.message_id === null, envelope === "nip04");
    const named = dm.message_id ?? dm.event_id;
    const tags = [["p", shop.merchant], ["e", named]];
    await shop.customer("olivia", envelope).says("Hello yourself.", { tags });
    assertEquals((await alice.hears()).map((one) => one.raw), ["Hello yourself."]);
  });
}

Deno.test("what an owner writes otherwise goes to nobody and comes back to nobody", async () => {
  await using shop = await Shop.open({ owners: [owner, keyPair("pavel").pubkey] });
  await shop.customer().says("Hello?");
  const olivia = shop.customer("olivia");
  await olivia.hears();
  assertEquals(await olivia.says("note to self: buy tea"), []);
  assertEquals((await shop.customer("pavel").hears()).length, 1);
  assertEquals(await shop.customer().hears(), []);
});

Deno.test("an answer that can't be passed on is told to its author, and to no customer", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const olivia = shop.customer("olivia");
  const [told] = await olivia.says("@abcdef01 Hello");
  assertEquals(
    told!.raw,
    "[ncc] Your message wasn't passed on: nobody with this key has written to the shop.",
  );
  assertEquals(await olivia.hears(), []);
});

Deno.test("keys that begin alike are told apart by the whole key", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const alice = shop.customer();
  await alice.says("Hello?");
  const twin = `${alicesKey.slice(0, 8)}${"0".repeat(56)}`;
  const row = await shop.database.kysely.selectFrom("messages").selectAll().executeTakeFirstOrThrow();
  await shop.database.kysely.insertInto("messages")
    .values({ ...row, seq: undefined, customer: twin, event_id: "e" }).execute();
  const olivia = shop.customer("olivia");
  await olivia.hears();
  const [told] = await olivia.says(`${at(alicesKey)} Hello`);
  assertStringIncludes(told!.raw, "Give the whole npub");
  assertEquals(await alice.hears(), []);
  assertEquals(await olivia.says(`@${alicesKey} Hello`), []);
  assertEquals((await alice.hears()).map((one) => one.raw), ["Hello"]);
});

Deno.test("orders, JSON, claims and what another shop's program tells are not forwarded", async () => {
  await using shop = await Shop.open({ owners: [owner], notify: ["chat"] });
  const alice = shop.customer();
  await alice.orders();
  await alice.says({ type: 2, id: "x", paid: true });
  await alice.says('{"hello": "bot"}');
  await alice.says("[ncc] Order 12345678 is paid: 100 sat.");
  assertEquals(await shop.customer("olivia").hears(), []);
});

Deno.test("chat that is older than two days is listed and not forwarded", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const old = Math.floor(shop.clock.now() / 1000) - 49 * 3600;
  await shop.customer().says("Hello?", { at: old });
  assertEquals(await shop.customer("olivia").hears(), []);
  const rows = await shop.database.kysely.selectFrom("messages").select("type").execute();
  assertEquals(rows.map((row) => row.type), ["chat"]);
});

Deno.test("who writes a lot is forwarded five times in ten minutes, then summed up", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  const alice = shop.customer();
  const olivia = shop.customer("olivia");
  for (let i = 0; i < 9; i++) await alice.says(`text ${i}`);
  await shop.customer("bob").says("And me?");
  const texts = (await olivia.hears()).map((one) => one.raw);
  assertEquals(texts.length, 6);
  assertStringIncludes(texts.at(-1)!, "And me?");
  await shop.pass(10 * 60_000);
  assertEquals((await olivia.hears()).map((one) => one.raw), [
    "[ncc] 4 more messages came. GET /api/v1/messages?type=chat",
  ]);
});

Deno.test("a shop that is told something by another shop's program passes it on to nobody", async () => {
  await using shop = await Shop.open({ owners: [owner, keyPair("other").pubkey] });
  const other = await shop.neighbour("other");
  await shop.customer().says("Hello?");
  const notices = () =>
    shop.database.kysely.selectFrom("outbox_events").select(["merchant", "event"])
      .where("purpose", "like", "notice:%").execute();
  const first = await notices();
  assertEquals(first.map((one) => one.merchant), [shop.merchant, shop.merchant]);
  // As the neighbour's own relay would bring it.
  const events = first.map((one) => JSON.parse(one.event));
  await shop.receive(
    events.find((event) => event.tags.some(([, key]: string[]) => key === other.merchant)),
    "",
    [other.merchant],
  );
  await shop.settle();
  assertEquals((await notices()).length, 2);
});

Deno.test("a long text is cut, and the database keeps it in one place only", async () => {
  await using shop = await Shop.open({ owners: [owner] });
  await shop.customer().says("canary ".repeat(1_000));
  const [told] = await shop.customer("olivia").hears();
  assertEquals(told!.raw.length < 2_200, true);
  for (const table of ["notices", "jobs", "outbox_events", "conditions"] as const) {
    const rows = await shop.database.kysely.selectFrom(table).selectAll().execute();
    assertEquals(JSON.stringify(rows).includes("canary"), false, table);
  }
});

const ADDRESSED: [string, ReturnType<typeof readAddressed>][] = [
  ["@abcdef01 hi", { to: "abcdef01", text: "hi" }],
  ["  @ABCDEF01: hi\nthere", { to: "abcdef01", text: "hi\nthere" }],
  ["@abcdef01", null],
  ["@abc hi", null],
  ["@facades hi", null],
  ["hi @abcdef01", null],
  ["@npub1qqqq, hi", { to: "npub1qqqq", text: "hi" }],
];
Deno.test("readAddressed() takes a key or its first digits after an @ at the beginning", () => {
  for (const [body, expected] of ADDRESSED) assertEquals(readAddressed(body), expected, body);
});
