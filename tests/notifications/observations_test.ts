import { assertEquals } from "@std/assert";
import { observations } from "../../src/app/observations.ts";
import {
  FIRST_WALLET,
  type MerchantRelayStatus,
  type ServedMerchant,
} from "../../src/app/served_merchant.ts";
import { WalletPulse } from "../../src/app/wallet_pulse.ts";
import { Lease } from "../../src/jobs/lease.ts";
import { ConditionsWatcher } from "../../src/notifications/conditions_watcher.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { ObservedWallet } from "../../src/payments/observed_wallet.ts";
import { systemRandom } from "../../src/random.ts";
import { freshDatabase } from "../support/fresh_database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const pubkey = "a".repeat(64);
const well: MerchantRelayStatus = {
  url: "wss://relay.example",
  state: "connected",
  lastEventAt: null,
  lastEoseAt: null,
  error: null,
  reconnects: 0,
  caughtUp: true,
  hidden: 0,
  refusing: null,
  deaf: null,
  foundDeaf: 0,
  unproven: null,
};
const merchantWith = (relay: Partial<MerchantRelayStatus>, wallet: ObservedWallet | null = null) =>
  ({
    pubkey,
    wallet,
    receiving: wallet === null ? [] : [{ name: FIRST_WALLET, wallet, at: null }],
    spend: null,
    relayStatus: () => [{ ...well, ...relay }],
  }) as unknown as ServedMerchant;

Deno.test("a relay is down when it is away, reads behind, is deaf or refuses", () => {
  const up = (relay: Partial<MerchantRelayStatus>) => observations([merchantWith(relay)])[0]!.up;
  assertEquals(up({}), true);
  assertEquals(up({ state: "waiting", error: "refused" }), false);
  assertEquals(up({ caughtUp: false }), false);
  assertEquals(up({ deaf: { since: 0, why: "it hides what we wrote" } }), false);
  assertEquals(up({ refusing: "auth-required: no" }), false);
});

Deno.test("a wallet that nobody asks is asked, and the owners hear that it is away and that it is back", async () => {
  await using database = await freshDatabase();
  const clock = new FakeClock();
  const demo = new DemoWallet({ clock, random: systemRandom, log: silentLog });
  const wallet = new ObservedWallet(demo);
  const merchants = [merchantWith({}, wallet)];
  const lease = new Lease({ database, clock, log: silentLog, name: "conditions", holder: "one" });
  const pulse = new WalletPulse({ clock, log: silentLog, wallets: () => [wallet] });
  const observe = () => observations(merchants);
  const watcher = new ConditionsWatcher({ database, clock, log: silentLog, lease, observe });
  await pulse.start();
  await watcher.start();
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      await clock.advance(5_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const told = async () =>
    (await database.kysely.selectFrom("jobs").select("payload").orderBy("id").execute())
      .map((job) => JSON.parse(job.payload).kind);
  await pass(60_000);
  assertEquals(wallet.up, true);
  demo.faults.always("probe", { do: "fail", kind: "unreachable" });
  await pass(240_000);
  assertEquals([wallet.up, await told()], [false, ["wallet_down"]]);
  demo.faults.always("probe", null);
  await pass(60_000);
  assertEquals([wallet.up, await told()], [true, ["wallet_down", "wallet_up"]]);
  await watcher.stop();
  await pulse.stop();
  await demo.close();
});

Deno.test("the wallet that pays refunds is out of order while refunds wait and it is away, unset, refusing or elsewhere", () => {
  const wallet = { network: "bc", up: true, describe: () => "ours" } as unknown as ObservedWallet;
  const spendOf = (more: Record<string, unknown>) =>
    ({
      describe: () => "a wallet",
      up: true,
      error: null,
      network: "bc",
      ...more,
    }) as unknown as ObservedWallet;
  const check = (spend: ObservedWallet | null, approved = 0, refusal: string | null = null) => {
    const merchant = { ...merchantWith({}), wallet, spend } as unknown as ServedMerchant;
    const waits = approved > 0 || refusal !== null;
    const seen = observations([merchant], waits ? new Map([[pubkey, { approved, refusal }]]) : undefined)
      .find(({ name }) => name === "refund wallet");
    return seen && [seen.up, seen.detail];
  };
  assertEquals(check(null), undefined);
  assertEquals(check(null, 1), [false, "none is set: NCC_WALLET_SPEND; a refund waits"]);
  assertEquals(check(spendOf({})), [true, "a wallet"]);
  assertEquals(check(spendOf({}), 2), [true, "a wallet; 2 refunds wait"]);
  const away = spendOf({ up: false, error: "no answer" });
  assertEquals(check(away), [true, "a wallet: no answer"]);
  assertEquals(check(away, 2), [false, "a wallet: no answer; 2 refunds wait"]);
  const elsewhere = spendOf({ network: "tb" });
  assertEquals(check(elsewhere)![0], true);
  assertEquals(check(elsewhere, 1), [
    false,
    "a wallet pays on the network tb, and the shop's money comes on bc; a refund waits",
  ]);
  assertEquals(check(spendOf({}), 0, "over its budget"), [
    false,
    "it refused: over its budget; a refund is due again",
  ]);
});
