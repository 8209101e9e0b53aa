import { assert, assertEquals } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import { bytesToHex } from "@noble/hashes/utils.js";
import * as nip04 from "nostr-tools/nip04";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { onPostgres } from "../support/databases.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { Cluster, orderOf, until } from "./shop_cluster.ts";

const ORDERS = 40;
const TAKEN_OVER_MS = 10_000;
/** A relay is asked 10 to 20 s after it said OK, and once more 10 s later, before an event goes out again. */
const READ_BACK_MS = 45_000;

onPostgres(
  "a relay that stores nothing, and the process that was to find out is killed: another takes over within 10 s, and all is stored",
  async (shared) => {
    const key = generateSecretKey();
    const merchant = getPublicKey(key);
    const isAnswer = (event: NostrEvent) => event.kind === 4 && event.pubkey === merchant && !isToSelf(event);
    await using relay = await FakeRelay.start({ lies: isAnswer });
    /** By id: which connection sent it first, how often it came, and which connections asked for it. */
    const answers = new Map<string, { sender: number; times: number; askers: number[] }>();
    relay.onFrame = (connection, [verb, first, ...rest]) => {
      if (verb === "EVENT" && isAnswer(first as NostrEvent)) {
        const { id } = first as NostrEvent;
        const known = answers.get(id);
        if (known) known.times++;
        else answers.set(id, { sender: connection, times: 1, askers: [] });
      }
      const filters = verb === "REQ" ? rest as { ids?: string[] }[] : [];
      for (const id of filters.flatMap(({ ids }) => ids ?? [])) answers.get(id)?.askers.push(connection);
    };
    await using cluster = await Cluster.start(2, {
      database: shared.url,
      settings: { NCC_RELAYS: relay.url, NCC_KEY: bytesToHex(key) },
    });
    await cluster.product("cup", 1_000);
    const database = await shared.open();
    const orders = await Promise.all(Array.from({ length: ORDERS }, () => orderOf(merchant, "cup")));
    for (const order of orders) relay.publish(order);
    await until("the relay has said OK to every answer, and that is recorded", 60_000, async () => {
      if (answers.size < ORDERS) return false;
      const rows = await database.kysely.selectFrom("outbox").select("event_id")
        .where("event_id", "in", [...answers.keys()]).where("state", "=", "delivered").execute();
      return rows.length >= ORDERS;
    });

    const before = new Set(relay.gone);
    await cluster.kill(0);
    const killed = performance.now();
    // Who died can do nothing any more; what the other had sent it reads back itself.
    relay.is.lies = false;
    await until("its connections end", 5_000, () => Promise.resolve(relay.gone.size > before.size));
    const orphaned = [...answers].filter(([, { sender, askers }]) =>
      relay.gone.has(sender) && !before.has(sender) && askers.length === 0
    ).map(([id]) => id);
    assert(orphaned.length > 0, "the other process had sent them all");

    const left = () => TAKEN_OVER_MS - (performance.now() - killed);
    await until(
      "another takes over",
      left(),
      async () => (await cluster.log()).includes("heartbeat.taken_over"),
    );
    const takenOver = performance.now() - killed;
    const stored = () => orphaned.filter((id) => relay.events.some((event) => event.id === id)).length;
    await until(
      "the relay has what it lost",
      READ_BACK_MS,
      () => Promise.resolve(stored() === orphaned.length),
    )
      .catch(async (error) => {
        throw new Error(
          `${error}: ${stored()} of ${orphaned.length}; ${(await cluster.log()).slice(-1_500)}`,
        );
      });
    // deno-lint-ignore no-console -- the figures are what the test is run for
    console.log(
      `${orphaned.length} of ${ORDERS} answers were the killed process's: taken over ${
        takenOver.toFixed(0)
      } ms ` +
        `after its end, stored after ${(performance.now() - killed).toFixed(0)} ms`,
    );
    // The same bytes, once more and no more than that.
    assertEquals(orphaned.map((id) => answers.get(id)!.times), orphaned.map(() => 2));
    assertEquals(answers.size, ORDERS);

    // It goes on watching for others who answer with this key, and none of the dead process's answers counts as one.
    const halted = async () =>
      (await database.kysely.selectFrom("merchants").select("halted").execute())[0]!.halted;
    assertEquals(await halted(), null);
    relay.publish(await answerOf(key, getPublicKey(generateSecretKey())));
    await until("a second instance is found", TAKEN_OVER_MS, async () => await halted() !== null);
  },
);

/** A probe that proves that the relay hands over what it takes. */
function isToSelf(event: NostrEvent): boolean {
  return event.tags.some(([name, value]) => name === "p" && value === event.pubkey);
}

/** What another program with the shop's key says to a customer. */
async function answerOf(key: Uint8Array, customer: string): Promise<NostrEvent> {
  return finalizeEvent({
    kind: 4,
    created_at: Math.floor(Date.now() / 1000),
    tags: [["p", customer]],
    content: await nip04.encrypt(key, customer, '{"id":"x","type":2,"paid":true}'),
  }, key);
}
