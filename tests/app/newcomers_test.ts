import { assert, assertEquals } from "@std/assert";
import { TestApi } from "../api/test_api.ts";
import { newKey, NostrClient } from "../support/nostr_client.ts";
import { messageTo } from "../relay/merchant_relay.ts";

/** Fewer than may wait at the relay's door from one address, and more than come in while others aren't read. */
const NEWCOMERS = 50;
const AT_ONCE = 24;
/** So long at most a process believes that the inbox is still its own. */
const INBOX_TRUST_MS = 6_000;

Deno.test("while another process holds the inbox new customers wait at the relay's door, not for ever, and none is turned away", async () => {
  await using api = await TestApi.open({ settings: { NCC_PORT: "0" } });
  const url = (await api.start()).replace(/^http/, "ws") + "/relay";
  const { database } = api.app;
  await until(async () => (await inboxLease(api)) !== undefined);
  await database.transaction((tx) =>
    tx.updateTable("leases").set((eb) => ({
      holder: "another process",
      until: api.clock.now() + 3_600_000,
      epoch: eb("epoch", "+", 1),
    })).where("name", "=", "inbox").execute()
  );
  // By then who had it before has asked.
  await api.clock.advance(INBOX_TRUST_MS);
  await using client = await NostrClient.connect(url);
  const now = () => Math.floor(api.clock.now() / 1000);
  for (let i = 0; i < NEWCOMERS; i++) {
    client.send("EVENT", newKey(now).sign(messageTo({ pubkey: api.merchant })));
  }
  const oks = () => client.heard((message) => message[0] === "OK");
  await until(() => Promise.resolve(oks().length >= AT_ONCE));
  // A question that is answered shows that the events before it were looked at.
  await client.query({ kinds: [1] });
  assert(oks().length < NEWCOMERS, `${oks().length} came in at once`);
  for (let i = 0; i < 50 && oks().length < NEWCOMERS; i++) await api.clock.advance(100);
  await until(() => Promise.resolve(oks().length === NEWCOMERS));
  assertEquals(oks().filter((message) => message[2] !== true), []);
  assertEquals((await inboxLease(api))!.holder, "another process");
});

async function inboxLease(api: TestApi) {
  return await api.app.database.kysely.selectFrom("leases").selectAll().where("name", "=", "inbox")
    .where("until", ">", 0).executeTakeFirst();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 10_000; !await holds();) {
    assert(Date.now() < end, "not within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
