import { generateSecretKey } from "nostr-tools/pure";
import type { App } from "../app.ts";
import type { DemoWallet } from "../payments/demo_wallet.ts";
import { ScriptedCustomer } from "./customer.ts";
import { products, stalls } from "./sample_shop.ts";

/** Who says what, as it happens. */
export type Tell = (who: string, what: string) => void;

/** What the story leaves behind for the check of the books. */
export interface Told {
  customers: ScriptedCustomer[];
  /** Orders that were sent, with what must have become of them. */
  sent: { customer: ScriptedCustomer; id: string; end: "paid" | "refused" | "open" }[];
}

/** Calls the shop's own REST API. */
export type CallApi = <T>(method: string, path: string, body?: unknown) => Promise<T>;

const order = (id: string, product_id: string, quantity: number, shipping_id: string | null, more = {}) => ({
  address: "1 Example Street, Exampletown",
  message: null,
  contact: { nostr: null, email: null },
  items: [{ product_id, quantity }],
  shipping_id,
  type: 0,
  id,
  ...more,
});

/** Opens the sample shop and lets three customers in: one by NIP-04, one by NIP-17, and one who cheats. */
export async function tellStory(app: App, wallet: DemoWallet, call: CallApi, tell: Tell): Promise<Told> {
  const merchant = app.merchants.all()[0]!.pubkey;
  await call("PATCH", `/merchants/${merchant}`, { name: "Satoshi's Corner" });
  for (const stall of stalls) await call("POST", "/stalls", stall);
  for (const product of products) await call("POST", "/products", product);
  tell(
    "merchant",
    `opened ${stalls.length} stalls with ${products.length} products (NIP-15, kinds 30017 and 30018)`,
  );

  const url = `${app.url.replace(/^http/, "ws")}/relay`;
  const customer = (name: string, envelope: "nip04" | "nip17") =>
    new ScriptedCustomer({ name, secretKey: generateSecretKey(), merchant, envelope, url });
  const alice = customer("alice", "nip04");
  const bob = customer("bob", "nip17");
  const mallory = customer("mallory", "nip04");
  const told: Told = { customers: [alice, bob, mallory], sent: [] };
  for (const one of told.customers) await one.connect();
  await alice.seesShop(stalls.length + products.length);
  tell("alice", `sees the whole shop on ${url}`);

  await buyByNip04(alice, wallet, call, tell, told);
  await buyByNip17(bob, wallet, tell, told);
  await cheat(mallory, call, tell, told);
  return told;
}

async function buyByNip04(
  alice: ScriptedCustomer,
  wallet: DemoWallet,
  call: CallApi,
  tell: Tell,
  told: Told,
): Promise<void> {
  const id = "alice-order-1";
  told.sent.push({ customer: alice, id, end: "paid" });
  tell("alice", "→ order: 2 × Espresso beans to Europe, priced in euros (NIP-04, kind 4)");
  alice.write(order(id, "demo-espresso", 2, "demo-eu"));
  await pay(alice, id, wallet, tell);
  await alice.sees("the new quantity", "demo-espresso", (product) => product.quantity === 8);
  tell("alice", "sees the stock go down from 10 to 8");

  const { data } = await call<{ data: { id: string; customer_order_id: string }[] }>("GET", "/orders");
  const ours = data.find((one) => one.customer_order_id === id)!.id;
  await call("POST", `/orders/${ours}/ship`, { carrier: "DHL", tracking: "0034-DEMO" });
  const shipped = await alice.hears("that it is on its way", (a) => a.id === id && a.shipped === true);
  tell("ncc", `← ${shipped.message}`);
}

async function buyByNip17(bob: ScriptedCustomer, wallet: DemoWallet, tell: Tell, told: Told): Promise<void> {
  const id = "bob-order-1";
  told.sent.push({ customer: bob, id, end: "paid" });
  tell("bob", "→ order: the last T-shirt in XL (NIP-17, gift wrap)");
  bob.write(order(id, "demo-shirt-xl", 1, "demo-post"));
  await pay(bob, id, wallet, tell);

  const book = "bob-order-2";
  told.sent.push({ customer: bob, id: book, end: "paid" });
  tell("bob", "→ order: a book to download");
  bob.write(order(book, "demo-book", 1, null, { address: null }));
  await pay(bob, book, wallet, tell);
  const delivered = await bob.hears(
    "the download",
    (a) => a.id === book && /Your copy/.test(a.message ?? ""),
  );
  tell("ncc", `← ${delivered.message}`);
}

async function cheat(mallory: ScriptedCustomer, call: CallApi, tell: Tell, told: Told): Promise<void> {
  const wrong: [id: string, product: string, quantity: number, zone: string, what: string][] = [
    ["mallory-order-1", "demo-shirt-xl", 1, "demo-post", "the T-shirt that bob bought"],
    ["mallory-order-2", "demo-filter", 50, "demo-eu", "50 bags where there are 3"],
    ["mallory-order-3", "demo-sticker", -5, "demo-post", "minus five stickers"],
  ];
  for (const [id, product, quantity, zone, what] of wrong) {
    told.sent.push({ customer: mallory, id, end: "refused" });
    tell("mallory", `→ order: ${what}`);
    mallory.write(order(id, product, quantity, zone));
    const refused = await mallory.hears("a refusal", (a) => a.id === id && a.type === 1);
    tell("ncc", `← refused: ${refused.message}`);
  }
  const id = "mallory-order-4";
  told.sent.push({ customer: mallory, id, end: "open" });
  tell("mallory", "→ order: 3 bags of filter coffee, and then forged words of payment");
  mallory.write(order(id, "demo-filter", 3, "demo-eu"));
  await mallory.hears("an invoice", (a) => a.id === id && a.type === 1);
  mallory.write({ id, type: 2, paid: true, shipped: false, message: "paid" });
  mallory.write(`✅ PAYMENT RECEIVED\n\nOrder #${id.toUpperCase()} has been paid!`);
  // The inbox keeps the order of one customer: once this is answered, the forgeries before it have been read.
  mallory.write(order(id, "demo-filter", 3, "demo-eu"));
  await mallory.hears(
    "the same invoice again",
    () => mallory.answers.filter((a) => a.id === id && a.type === 1).length === 2,
  );
  const { data } = await call<{ data: { customer_order_id: string; payment: string }[] }>("GET", "/orders");
  const state = data.find((one) => one.customer_order_id === id)!.payment;
  tell("ncc", `believes only its wallet: the order is still "${state}"`);
}

async function pay(customer: ScriptedCustomer, id: string, wallet: DemoWallet, tell: Tell): Promise<void> {
  const request = await customer.hears("an invoice", (a) => a.id === id && a.type === 1);
  const link = request.payment_options?.find((option) => option.type === "ln")?.link;
  if (!link) throw new Error(`${customer.name} was refused: ${request.message}`);
  tell("ncc", `← ${request.message}`);
  const settled = await wallet.settle(link);
  if (!settled.ok) throw new Error(settled.reason);
  tell(customer.name, `pays ${settled.amountMsat / 1000n} sat`);
  const paid = await customer.hears("that it is paid", (a) => a.id === id && a.paid === true);
  tell("ncc", `← ${paid.message}`);
}
