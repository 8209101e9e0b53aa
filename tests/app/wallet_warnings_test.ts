import { assertEquals, assertStringIncludes } from "@std/assert";
import { probeWallet, warningsOf } from "../../src/app/wallet_probe.ts";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { wasTried } from "../../src/payments/wallet_url.ts";
import { systemRandom } from "../../src/random.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

const info = { network: "bc" as const, alias: null, methods: [] };

Deno.test("people hear of a wallet that was never tried, of a secret that can spend, and of what the wallet itself lacks", () => {
  assertEquals(warningsOf(info, "nwc"), []);
  assertStringIncludes(warningsOf(info, "cln").join(), "never tried against a real one");
  assertStringIncludes(warningsOf({ ...info, canSpend: true }, "nwc").join(), "can spend");
  assertEquals(warningsOf({ ...info, canSpend: false, warning: "It sees no payments." }, "nwc"), [
    "It sees no payments.",
  ]);
  assertEquals(["nwc", "demo", "btcpay"].map(wasTried), [true, true, false]);
});

Deno.test("a probe brings them along", async () => {
  const clock = new FakeClock();
  const wallet = new DemoWallet({ clock, random: systemRandom, log: silentLog });
  wallet.faults.always("probe", { do: "lie", say: () => ({ ...info, canSpend: true }) });
  const probed = await probeWallet(wallet, clock, 1_000);
  assertEquals(probed.ok && probed.warnings.length, 1);
});
