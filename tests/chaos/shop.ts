import type { NccProcess } from "../support/ncc_process.ts";
import { NostrClient } from "../support/nostr_client.ts";
import type { Books, Shelf, ShopOrder, ShopProduct } from "./books.ts";
import type { Plan } from "./customer.ts";

const ZONE = "post";
const SOON_MS = 10 * 60_000;
const ROUND = "payments.sweep";
const stall = {
  id: "stall",
  name: "Crash shop",
  currency: "sat",
  shipping: [{ id: ZONE, name: "Post", cost: 1500, regions: ["*"] }],
};

/** A stall with a product of which there are too few, one of which there are enough, and one without limit. */
export function shelfFor(orders: number): Shelf[] {
  return [
    { id: "scarce", quantity: Math.max(1, Math.floor(orders / 20)) },
    { id: "plenty", quantity: orders * 3 },
    { id: "endless", quantity: null },
  ];
}

/** Fills the shop through its REST API; the merchant's key. */
export async function openShop(ncc: NccProcess, shelf: readonly Shelf[]): Promise<string> {
  await ncc.call("POST", "/stalls", stall);
  for (const [i, { id, quantity }] of shelf.entries()) {
    await ncc.call("POST", "/products", {
      id,
      stall_id: stall.id,
      name: id,
      price: 1000 * (i + 1),
      quantity,
    });
  }
  return (await ncc.call<{ data: { pubkey: string }[] }>("GET", "/merchants")).data[0]!.pubkey;
}

/**
 * What the customers do: every tenth wants the scarce product, which is twice as many as there are; the others one to three of
 * the rest. Half of them speak NIP-17, nine of ten pay.
 */
export function planOrders(orders: number): Plan[] {
  return Array.from({ length: orders }, (_, i): Plan => ({
    id: `order-${i}`,
    productId: i % 10 === 4 ? "scarce" : i % 2 === 0 ? "plenty" : "endless",
    quantity: i % 10 === 4 ? 1 : 1 + i % 3,
    shippingId: ZONE,
    envelope: Math.floor(i / 10) % 2 === 0 ? "nip04" : "nip17",
    pays: (i * 7 + Math.floor(i / 10)) % 10 !== 0,
  }));
}

/** The shop's books, by its REST API. */
export async function shopBooks(ncc: NccProcess): Promise<Books["shop"]> {
  return {
    orders: await ncc.all<ShopOrder>("/orders"),
    payments: await ncc.all("/payments"),
    products: await ncc.all<ShopProduct>("/products"),
    deadJobs: await ncc.all("/jobs?state=dead"),
    openJobs: await openJobs(ncc),
  };
}

/** Jobs that aren't over; what has its time at night, or comes round every hour, isn't late. */
export async function openJobs(ncc: NccProcess): Promise<number> {
  const lists = await Promise.all(
    ["ready", "running"].map((state) => ncc.all<{ kind: string; run_at: string }>(`/jobs?state=${state}`)),
  );
  return lists.flat().filter(({ kind, run_at }) =>
    kind !== ROUND && Date.parse(run_at) < Date.now() + SOON_MS
  ).length;
}

/** Quantities as the relay shows them. */
export async function shelfOnRelay(relay: string, merchant: string): Promise<Map<string, number | null>> {
  await using client = await NostrClient.connect(relay);
  const events = await client.query({ kinds: [30018], authors: [merchant] });
  return new Map(events.map((event) => {
    const { id, quantity } = JSON.parse(event.content) as { id: string; quantity: number | null };
    return [id, quantity];
  }));
}
