import { assert, assertEquals } from "@std/assert";
import type { NostrEvent } from "@nostrify/types";
import fc from "fast-check";
import * as nip44 from "nostr-tools/nip44";
import { openEnvelope } from "../../src/nostr/envelope.ts";
import { eventId } from "../../src/nostr/event_id.ts";
import { localSigner } from "../../src/nostr/signer.ts";
import { loadVerifier } from "../../src/nostr/verify.ts";
import { keyPair } from "../support/keys.ts";

const merchant = keyPair("merchant");
const author = keyPair("alice");
const throwAway = keyPair("throw-away");

/** How often events were opened, and why they weren't. */
export type OpeningReport = Record<string, number>;

const hex = fc.constantFrom(author.pubkey, merchant.pubkey, throwAway.pubkey, "0".repeat(64), "f".repeat(64));
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "?iv=", "AgAA", "{", "[[", "\uD800"),
);
const tags = fc.array(fc.array(fc.oneof(hex, text, fc.constantFrom("p", "e", "b")), { maxLength: 3 }), {
  maxLength: 4,
});
const ours: fc.Arbitrary<string[][]> = fc.constant([["p", merchant.pubkey]]);
const kind = fc.oneof(fc.constantFrom(4, 13, 14, 15, 16, 17, 1059, 21_059), fc.nat(65_535));
const at = fc.oneof(fc.constant(1_767_225_600), fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER));
const rarely = <T>(usual: T, other: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant<unknown>(usual) }, other);

/** A change to a text: cut, put in, exchanged, or nothing at all. */
const change = fc.oneof(
  { weight: 2, arbitrary: fc.constant((whole: string) => whole) },
  fc.nat().map((n) => (whole: string) => whole.slice(0, n % (whole.length + 1))),
  fc.tuple(fc.nat(), text).map(([n, piece]) => (whole: string) => {
    const i = n % (whole.length + 1);
    return whole.slice(0, i) + piece + whole.slice(i + 1);
  }),
);

const anyValue = fc.anything({ maxDepth: 2, maxKeys: 3 });
/** A rumor of which anything may be something else; `undefined` leaves a field out. */
const rumor = fc.record({
  pubkey: rarely(author.pubkey, fc.oneof(hex, anyValue)),
  kind: rarely(14, fc.oneof(kind, anyValue)),
  tags: rarely([["p", merchant.pubkey]], fc.oneof(tags, anyValue)),
  created_at: rarely(1_767_225_600, fc.oneof(at, anyValue)),
  content: rarely('{"type":0}', fc.oneof(text, anyValue)),
  sig: rarely(undefined, fc.oneof(text, anyValue)),
  id: rarely(undefined, fc.oneof(hex, anyValue)),
});

/**
 * Opens events of which any part was changed, at each of the three layers, and checks that nothing is thrown and nobody is
 * believed to be somebody else. Throws with the seed when something doesn't hold.
 */
export async function fuzzOpening(numRuns: number, seed?: number): Promise<OpeningReport> {
  const crypto = await loadVerifier();
  const [own, theirs, once] = [merchant, author, throwAway].map(({ secretKey }) =>
    localSigner(secretKey, crypto)
  );
  const wrapKey = nip44.getConversationKey(throwAway.secretKey, merchant.pubkey);
  const sealKey = nip44.getConversationKey(author.secretKey, merchant.pubkey);
  const report: OpeningReport = {};

  const direct = fc.tuple(fc.constantFrom("nip04" as const, "nip44" as const), text, change, rarely(4, kind));
  const wrapped = fc.tuple(rumor, change, change, change, rarely(13, kind), rarely(1059, kind));
  const outer = fc.record({ tags: fc.oneof({ weight: 6, arbitrary: ours }, tags), created_at: at });

  const check = async (event: NostrEvent) => {
    const opened = await openEnvelope(event, own!, crypto);
    const outcome = opened.ok ? `${opened.message.envelope} opened` : opened.reason;
    report[outcome] = (report[outcome] ?? 0) + 1;
    if (!opened.ok) return assertEquals(opened.retry, false);
    const { sender, rumorId, tags } = opened.message;
    assertEquals(sender, event.kind === 4 ? event.pubkey : author.pubkey);
    assert(tags.some(([name, value]) => name === "p" && value === merchant.pubkey));
    if (rumorId !== null) assertEquals(rumorId, eventId({ ...opened.message, pubkey: sender }));
  };

  await fc.assert(
    fc.asyncProperty(outer, direct, wrapped, fc.boolean(), async (outer, direct, wrapped, isDirect) => {
      if (isDirect) {
        const [cipher, text, change, kind] = direct;
        const content = change(await theirs![cipher].encrypt(merchant.pubkey, text === "" ? "x" : text));
        return await check(await theirs!.signEvent({ ...outer, kind: kind as number, content }));
      }
      const [rumor, changeRumor, changeSeal, changeWrap, sealKind, wrapKind] = wrapped;
      const written = JSON.stringify(rumor, (_, value) =>
        typeof value === "bigint" ? String(value) : value) ?? "{}";
      const inside = changeSeal(nip44.encrypt(changeRumor(written) || "{}", sealKey));
      const seal = await theirs!.signEvent({
        kind: sealKind as number,
        created_at: 1,
        tags: [],
        content: inside,
      });
      const content = changeWrap(nip44.encrypt(JSON.stringify(seal), wrapKey));
      await check(await once!.signEvent({ ...outer, kind: wrapKind as number, content }));
    }),
    { numRuns, ...(seed !== undefined && { seed }) },
  );
  return report;
}
