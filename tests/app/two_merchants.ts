import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { levels } from "../../src/stock/stock.ts";
import { Customer } from "../support/customer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { keyPair } from "../support/keys.ts";
import { silentLog } from "../support/log.ts";
import { type Neighbour, Shop, type ShopOptions } from "../support/shop.ts";

/** The second merchant. */
export const { pubkey: OTHER } = keyPair("other");

/** Two merchants of one process with the same stall, product and customer, each with a wallet of its own. */
export async function two(options: ShopOptions = {}, its: Neighbour = {}) {
  const clock = options.clock ?? new FakeClock();
  const shop = await Shop.open({ ...options, clock });
  const wallet = its.wallet ?? new DemoWallet({ clock, random: systemRandom, log: silentLog });
  const front = await shop.neighbour("other", { ...its, wallet });
  // From its next tick on the watcher hears the wallet of whoever was added.
  await clock.advance(1_000);
  const [ours, theirs] = [shop.customer("alice"), new Customer(front, "alice", "nip04")];
  const stateOf = async (merchant: string) =>
    (await shop.orders()).filter((order) => order.merchant === merchant).map((order) => order.payment);
  const states = async () => [await stateOf(shop.merchant), await stateOf(OTHER)];
  const cups = async (merchant: string) =>
    (await levels(shop.database.kysely, merchant, ["cup"])).get("cup")!;
  return { shop, front, wallet, ours, theirs, states, cups };
}
