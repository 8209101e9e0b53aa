import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { assert, assertEquals } from "@std/assert";
import type { Key, NostrClient } from "../support/nostr_client.ts";
import { merchantRelay, messageTo } from "./merchant_relay.ts";

/** A shop with mail of a customer in every kind that there is, and whoever wants to see it. */
async function scene(): Promise<
  { at: Awaited<ReturnType<typeof merchantRelay>>; customer: Key; mail: NostrEvent[] }
> {
  const much = 100_000;
  const limits = {
    connectsPerAddress: much,
    eventsPerAddress: much,
    burstPerKey: much,
    messagesPerAddress: much,
  };
  const at = await merchantRelay({ limits: { ...limits, questionsPerAddress: much } });
  const { relay, merchant } = at;
  const customer = relay.key();
  const time = (n: number) => ({ created_at: relay.now() - 1_000 + n });
  const mail = [4, 14, 15, 16, 17].flatMap((kind, n) => [
    customer.sign({ ...messageTo(merchant, kind), ...time(n) }),
    merchant.sign({ ...messageTo(customer, kind), ...time(n) }),
  ]);
  for (const kind of [13, 1059]) {
    mail.push(relay.key().sign(messageTo(merchant, kind)), relay.key().sign(messageTo(customer, kind)));
  }
  for (const event of mail) await relay.store.event(event);
  return { at, customer, mail };
}

/** What a question brings: the ids of mail in it, or "closed". */
async function asked(client: NostrClient, mail: NostrEvent[], ...filters: NostrFilter[]): Promise<string> {
  const ids = new Set(mail.map((event) => event.id));
  const { events, closed } = await client.subscribe("s", ...filters);
  if (closed !== null) return "closed";
  client.send("CLOSE", "s");
  return events.some((event) => ids.has(event.id)) ? "leaks" : "nothing";
}

const kinds = [4, 13, 14, 15, 16, 17, 1059];

Deno.test("listing attempts of every shape find none of the shop's mail, stored, counted or live", async () => {
  const { at, customer, mail } = await scene();
  await using _at = at;
  const { relay, merchant } = at;
  const ids = mail.map((event) => event.id);
  const [m, c] = [merchant.pubkey, customer.pubkey];
  const strangers = Array.from({ length: 10 }, () => relay.key().pubkey);
  const shapes: NostrFilter[][] = [
    ...kinds.map((kind) => [{ kinds: [kind] }]),
    ...kinds.map((kind) => [{ kinds: [kind], "#p": [m] }]),
    ...kinds.map((kind) => [{ kinds: [kind], authors: [m] }]),
    ...kinds.filter((kind) => kind !== 4).map((kind) => [{ kinds: [kind], "#p": [c] }]),
    ...kinds.filter((kind) => kind !== 4).map((kind) => [{ kinds: [kind], authors: [c] }]),
    [{ kinds }],
    [{ kinds: [0, ...kinds] }],
    [{ kinds: [30_018, 4], authors: [m] }],
    [{ kinds: [30_018, 1059], "#p": [m] }],
    [{}],
    [{ limit: 500 }],
    [{ since: 0, until: relay.now() + 1_000_000 }],
    [{ authors: [m] }],
    [{ "#p": [m] }],
    [{ ids }],
    [{ ids, kinds }],
    [{ ids, kinds: [4] }],
    [{ ids, authors: [m] }],
    [{ "#e": ids }],
    [{ "#P": [m, c], kinds: [4] }],
    [{ "#p": [m], kinds: [4], authors: strangers }],
    [{ "#p": [m, ...strangers], kinds: [4] }],
    [{ "#p": [], kinds: [4] }],
    [{ authors: [], kinds: [4] }],
    [{ kinds: [1] }, { kinds: [4], authors: [m] }],
    [{ kinds: [4], "#p": [strangers[0]!] }, { kinds: [4], "#p": [m] }],
    [{ search: "secret" } as NostrFilter],
    [{ kinds: [4], search: "secret" } as NostrFilter],
    // A long list tries keys out, and so do many short ones.
    [{ kinds: [4], authors: [...strangers, c] }],
    [{ kinds: [4], authors: strangers.slice(0, 9) }, { kinds: [4], "#p": [strangers[9]!, c] }],
    ...[0, 1, 2].map((n) => [{ kinds: [4], "#p": [m], until: relay.now() - 1_000 + n, limit: 1 }]),
  ];
  let bids = 0;
  for (const authenticated of [false, true]) {
    for (const shape of shapes) {
      const name = `${JSON.stringify(shape).slice(0, 200)} ${authenticated ? "by a stranger" : ""}`;
      await using spy = await relay.connect();
      if (authenticated) assertEquals(await spy.authenticate(relay.key()), [true, ""]);
      assert(await asked(spy, mail, ...shape) !== "leaks", name);
      const counted = await spy.count(...shape);
      const seen = counted[0] === "CLOSED" || [0, bids].includes(counted[2].count);
      assert(seen, `${name} counts ${JSON.stringify(counted)}`);
      assertEquals(counted[2].approximate, undefined, name);
      // Live: the customer writes again, in the open; the control shows when it would have come.
      const live = await spy.subscribe("live", ...shape);
      await spy.subscribe("control", { kinds: [1021] });
      await using writer = await relay.connect();
      const content = `${bids}`;
      for (const kind of [4, 14]) {
        await writer.publish(customer.sign({ ...messageTo(merchant, kind), content }));
      }
      const bid = customer.sign({ ...messageTo(merchant, 1021), content });
      await writer.publish(bid);
      bids++;
      assertEquals(await spy.live("control"), bid);
      const heard = spy.heard((message) => message[0] === "EVENT" && message[1] === "live");
      assert(heard.every(([, , event]) => event.kind === 1021), `${name} hears ${JSON.stringify(heard)}`);
      assert(live.closed === null || heard.length === 0);
    }
  }
});

Deno.test("what nobody may see takes no place either: `limit` tells nothing about when customers write", async () => {
  const { at, customer } = await scene();
  await using _at = at;
  const { relay, merchant } = at;
  const stall = merchant.sign({ kind: 30_017, tags: [["d", "s"]], created_at: relay.now() - 5_000 });
  await relay.store.event(stall);
  const spyKey = relay.key();
  const own = spyKey.sign({ ...messageTo(merchant), created_at: relay.now() - 5_000 });
  await relay.store.event(own);
  await using spy = await relay.connect();
  // The mail is newer than both, and would be what these find first.
  assertEquals(await spy.query({ limit: 1 }), [stall]);
  assertEquals(await spy.query({ authors: [merchant.pubkey], limit: 1 }), [stall]);
  const mixed = {
    kinds: [4],
    "#p": [merchant.pubkey, spyKey.pubkey],
    authors: [spyKey.pubkey, merchant.pubkey],
  };
  assertEquals(await spy.query({ ...mixed, limit: 1 }), [own]);
  assertEquals((await spy.count({}))[2], { count: 1 });
  // Who is meant still finds it.
  await spy.authenticate(customer);
  assertEquals((await spy.query({ limit: 500 })).length, 1 + 10 + 2);
  assertEquals((await spy.query({ kinds: [4], limit: 1 })).length, 1);
});

Deno.test("AUTH as somebody else fails: a foreign key, another's challenge, another relay, an old or forged event", async () => {
  const { at, customer, mail } = await scene();
  await using _at = at;
  const { relay } = at;
  await using spy = await relay.connect();
  await using other = await relay.connect();
  const challenge = await spy.challenge();
  const good = { kind: 22_242, tags: [["relay", relay.url], ["challenge", challenge]] };
  const forged = { ...relay.key().sign(good), pubkey: customer.pubkey };
  const attempts: NostrEvent[] = [
    forged,
    { ...customer.sign(good), sig: relay.key().sign(good).sig },
    customer.sign({ ...good, tags: [["relay", relay.url], ["challenge", await other.challenge()]] }),
    customer.sign({ ...good, tags: [["relay", "wss://elsewhere.example.com"], ["challenge", challenge]] }),
    customer.sign({ ...good, created_at: relay.now() - 3_600 }),
    customer.sign({ ...good, kind: 1 }),
  ];
  for (const event of attempts) {
    spy.send("AUTH", event);
    const [, , accepted, reason] = await spy.take((message) =>
      message[0] === "OK" && message[1] === event.id
    );
    assertEquals([accepted, reason.split(":")[0]], [false, "invalid"]);
    assertEquals(await asked(spy, mail, { kinds: [1059], "#p": [customer.pubkey] }), "closed");
  }
  spy.send("AUTH", customer.sign(good));
  assertEquals((await spy.take((message) => message[0] === "OK" && message[2] === true))[0], "OK");
  assertEquals(await asked(spy, mail, { kinds: [1059], "#p": [customer.pubkey] }), "leaks");
});
