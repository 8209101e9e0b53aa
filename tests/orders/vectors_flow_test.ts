import { assertEquals } from "@std/assert";
import { decode, naddrEncode } from "nostr-tools/nip19";
import type { Answer } from "../support/customer.ts";
import { Shop } from "../support/shop.ts";
import v1 from "../vectors/v1_lnbits.json" with { type: "json" };
import v2 from "../vectors/v2_eden_weeks.json" with { type: "json" };
import v3 from "../vectors/v3_plebeian.json" with { type: "json" };
import v4 from "../vectors/v4_plebeian_tech.json" with { type: "json" };
import v5 from "../vectors/v5_conduit.json" with { type: "json" };
import v7 from "../vectors/v7_aiolabs.json" with { type: "json" };

interface Vector {
  about: string;
  merchant: string;
  envelope: "nip04" | "nip17";
  kind: number;
  tags: string[][];
  messages: { content: string }[];
  answers: { reply: { kind: string; [field: string]: unknown }; sent: Record<string, unknown>[] }[];
}

/** What each client's customer sees in the shop: stall, zone, products. */
const goods: Record<string, [stall: string, zone: string, ...products: string[]]> = {
  v1: ["pottery", "ZUtoMnE3", "Qm7vTzXk2PdLrWy9"],
  v2: ["prints", "uk", "linocut-a3"],
  v3: ["kiln", "us-post", "vase:tall"],
  v4: ["honey", "WORLD", "heather-500"],
  v5: ["coffee", "standard", "beans-1kg", "filter-02"],
  v7: ["pottery", "ZUtoMnE3", "Qm7vTzXk2PdLrWy9"],
};

for (const [name, json] of Object.entries({ v1, v2, v3, v4, v5, v7 })) {
  const vector = json as unknown as Vector;
  Deno.test(`vector ${name} through the whole shop: ${vector.about}`, async () => {
    await using shop = await shopFor(name);
    const content = toOurMerchant(vector, shop.merchant);
    const sending = {
      kind: vector.kind,
      tags: vector.tags.map((tag) => tag.map((part) => part === vector.merchant ? shop.merchant : part)),
    };
    const ada = shop.customer("ada", vector.envelope);

    const asked = await ada.says(content, sending);
    expectLike(vector, asked, { kind: "payment_request" });
    const request = asked[0]!;
    // The same rumor of the same second would be the same message.
    await shop.clock.advance(1_000);
    expectLike(vector, await ada.says(content, sending), { kind: "payment_request" });
    expectLike(vector, await ada.pays(request), { kind: "status", status: "processing", shipped: false });
    await shop.happens(await shop.order(), { type: "shipped", carrier: null, tracking: null });
    expectLike(vector, await ada.hears(), { kind: "status", status: "processing", shipped: true });
    await shop.happens(await shop.order(), { type: "delivered" });
    expectLike(vector, await ada.hears(), { kind: "status", status: "completed" });

    // Everything is sold now.
    const bob = shop.customer("bob", vector.envelope);
    expectLike(vector, await bob.says(content, sending), { kind: "refusal", cancelled: false });
  });
}

async function shopFor(name: string): Promise<Shop> {
  const shop = await Shop.process({});
  const [stall, zone, ...products] = goods[name]!;
  await shop.shelf.stall({ id: stall, shipping: [{ id: zone, name: zone, cost: 40, regions: ["*"] }] });
  for (const id of products) await shop.shelf.product({ id, stall_id: stall, quantity: 3 });
  // One order each of these vectors takes all of its first product.
  const { product_id, quantity } = firstItem(name);
  await shop.shelf.database.transaction((tx) =>
    tx.updateTable("stock").set({ on_hand: quantity }).where("product_id", "=", product_id).execute()
  );
  return shop;
}

function firstItem(name: string): { product_id: string; quantity: number } {
  const vector = { v1, v2, v3, v4, v5, v7 }[name]!;
  const [{ quantity }] = JSON.parse(vector.messages[0]!.content).items;
  return { product_id: goods[name]![2]!, quantity };
}

/** The vectors' merchant has no key of ours: coordinates and naddrs are made to name our shop's. */
function toOurMerchant(vector: Vector, merchant: string): string {
  return vector.messages[0]!.content.replaceAll(vector.merchant, merchant).replace(
    /naddr1[a-z0-9]+/g,
    (text) => {
      const decoded = decode(text);
      if (decoded.type !== "naddr") throw new Error(text);
      return naddrEncode({ ...decoded.data, pubkey: merchant });
    },
  );
}

/** The answers must be the vector's for such a reply, byte for byte but for what every sale has of its own. */
function expectLike(vector: Vector, answers: Answer[], reply: Record<string, unknown>): void {
  const expected = vector.answers.find((one) =>
    Object.entries(reply).every(([field, value]) => one.reply[field] === value) && !one.reply.orderStands
  )!;
  assertEquals(answers.map((answer) => answer.envelope), expected.sent.map(() => vector.envelope));
  assertEquals(
    answers.map((answer) => answer.raw),
    expected.sent.map((template, i) => JSON.stringify(filledIn(template, JSON.parse(answers[i]!.raw)))),
  );
}

const OWN = ["message", "link", "paymentRequest", "amount_sats", "expiry", "payment_id"];

function filledIn(template: unknown, actual: unknown): unknown {
  if (Array.isArray(template)) {
    return template.map((each, i) => filledIn(each, (actual as unknown[] | undefined)?.[i]));
  }
  if (typeof template !== "object" || template === null) return template;
  const given = (actual ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(template).map(([key, value]) => [
      key,
      OWN.includes(key) && typeof given[key] === typeof value ? given[key] : filledIn(value, given[key]),
    ]),
  );
}
