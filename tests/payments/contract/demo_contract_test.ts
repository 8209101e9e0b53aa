import { systemClock } from "../../../src/clock.ts";
import { DemoWallet } from "../../../src/payments/demo_wallet.ts";
import { systemRandom } from "../../../src/random.ts";
import { silentLog } from "../../support/log.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("demo", () => {
  const wallet = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  return Promise.resolve({
    wallet,
    secrets: [],
    async pay(bolt11: string) {
      const paid = await wallet.settle(bolt11);
      if (!paid.ok) throw new Error(paid.reason);
    },
    loseAnswer: () => wallet.faults.next("createInvoice", { do: "lose" }),
    [Symbol.asyncDispose]: () => wallet.close(),
  });
});
