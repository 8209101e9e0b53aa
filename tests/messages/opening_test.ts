import { assert, assertEquals } from "@std/assert";
import type { NostrIdentity } from "../../src/nostr/identity.ts";
import { Opening } from "../../src/messages/opening.ts";
import { localSigner, type MerchantSigner } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { systemRandom } from "../../src/random.ts";
import { type Answer, requestIn } from "../support/customer.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { advanceUntil } from "../support/jobs.ts";
import { keyPair } from "../support/keys.ts";
import { Shop } from "../support/shop.ts";
import { bodiesRead } from "./inbox_rows.ts";

/** A signer that decrypts only when `answers` says that it does; else it never answers. */
function sleepy(own: MerchantSigner, answers: (payload: string) => boolean | Promise<void>): MerchantSigner {
  const cipher = (kind: "nip04" | "nip44"): MerchantSigner["nip04"] => ({
    encrypt: (peer, text) => own[kind].encrypt(peer, text),
    decrypt: async (peer, payload, use) => {
      const answer = answers(payload);
      if (answer === false) await new Promise(() => {});
      await answer;
      return await own[kind].decrypt(peer, payload, use);
    },
  });
  return {
    pubkey: own.pubkey,
    getPublicKey: () => own.getPublicKey(),
    signEvent: (template) => own.signEvent(template),
    nip04: cipher("nip04"),
    nip44: cipher("nip44"),
  };
}

Deno.test("an envelope that the signer takes its time for holds up no other, and is opened in the end", async () => {
  const stuck = new Map<string, { asked: number; answer: PromiseWithResolvers<void> }>();
  await using shop = await Shop.open({
    signer: (own) =>
      sleepy(own, (payload) => {
        const entry = stuck.get(payload);
        if (!entry) return true;
        entry.asked++;
        return entry.answer.promise;
      }),
  });
  const [alice, bob] = [shop.customer("alice"), shop.customer("bob")];
  const order = (id: string) => ({ type: 0, id, items: [{ product_id: "cup", quantity: 1 }] });
  shop.served = false;
  const first = await alice.writes(order("1"));
  const entry = { asked: 0, answer: Promise.withResolvers<void>() };
  stuck.set(first.content, entry);
  await bob.writes(order("2"));
  await alice.writes(order("3"));
  await shop.settle();
  shop.served = true;
  await shop.sleeps(60_000);
  let began = shop.clock.now();
  const heard: Answer[] = [];
  await advanceUntil(shop.clock, async () => heard.push(...await bob.hears()) > 0);
  assert(shop.clock.now() - began <= 2_500);
  assertEquals(heard.map((answer) => answer.id), ["2"]);
  // One customer's messages keep their order, and the signer isn't asked twice for one.
  await shop.clock.advance(10_000);
  assertEquals(await alice.hears(), []);
  entry.answer.resolve();
  began = shop.clock.now();
  const answers: Answer[] = [];
  await advanceUntil(shop.clock, async () => answers.push(...await alice.hears()) >= 2);
  assert(shop.clock.now() - began <= 30_000);
  await shop.settle();
  answers.push(...await alice.hears());
  assertEquals((await bodiesRead(shop.database)).map((body) => JSON.parse(body).id), ["2", "1", "3"]);
  assertEquals(answers.map((answer) => answer.id).toSorted(), ["1", "3"]);
  assertEquals(entry.asked, 1);
  requestIn(answers.slice(0, 1));
});

Deno.test("a merchant whose signer doesn't answer, or is slow, isn't read for a while", async () => {
  const clock = new FakeClock();
  const verifier = await loadVerifier();
  const { secretKey } = keyPair("merchant");
  const own = localSigner(secretKey, verifier, { random: systemRandom });
  const author = localSigner(keyPair("alice").secretKey, verifier, { random: systemRandom });
  const rows = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const content = await author.nip04.encrypt(own.pubkey, `message ${i}`);
    const event = await author.signEvent({ kind: 4, created_at: 1, tags: [["p", own.pubkey]], content });
    return {
      merchant: own.pubkey,
      seq: i,
      kind: 4,
      author: event.pubkey,
      event: JSON.stringify(event),
      sender: null,
    };
  }));
  const open = (signer: MerchantSigner) => {
    const opening = new Opening({ clock, verifier });
    const identity = { pubkey: own.pubkey, signer } as NostrIdentity;
    const opened = opening.all(rows as never, identity);
    return { opening, opened };
  };
  {
    const { opening, opened } = open(sleepy(own, (payload) => !rows[0]!.event.includes(payload)));
    await settle();
    await clock.advance(2_000);
    const { read, unread } = await opened;
    // The others of its turn are read; the rest has its turn a little later.
    assertEquals(read.map(({ row }) => row.seq), [1, 2, 3, 4, 5, 6, 7]);
    assertEquals(unread.map((one) => [one.row.seq, one.as]), [[0, "later"]]);
    assertEquals(opening.resting(), [own.pubkey]);
    await clock.advance(200);
    assertEquals(opening.resting(), []);
  }
  {
    const { opening, opened } = open(sleepy(own, () => false));
    await settle();
    await clock.advance(2_000);
    assertEquals((await opened).unread.length, 8);
    await clock.advance(1_000);
    assertEquals(opening.resting(), [own.pubkey]);
    await clock.advance(1_000);
    assertEquals(opening.resting(), []);
  }
  {
    const { opening, opened } = open(sleepy(own, () => clock.sleep(1_500)));
    for (let i = 0; i < 2; i++) {
      await settle();
      await clock.advance(1_500);
    }
    assertEquals((await opened).read.length, 16);
    assertEquals(opening.resting(), [own.pubkey]);
    await clock.advance(200);
    assertEquals(opening.resting(), []);
  }
  {
    const { opening, opened } = open(own);
    assertEquals([(await opened).read.length, opening.resting()], [20, []]);
  }
});
