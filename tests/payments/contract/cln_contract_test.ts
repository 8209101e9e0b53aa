import { systemClock } from "../../../src/clock.ts";
import { systemRandom } from "../../../src/random.ts";
import { ClnWallet } from "../../../src/payments/wallets/cln/cln_wallet.ts";
import { silentLog } from "../../support/log.ts";
import { ClnServer } from "./cln_server.ts";
import { runeOf } from "./runes.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("Core Lightning", () => {
  const rune = runeOf("");
  const server = new ClnServer(rune);
  const base = new URL(`http://127.0.0.1:${server.port}/`);
  const deps = { clock: systemClock, random: systemRandom, log: silentLog, cursors: null };
  const open = (rune: string) => new ClnWallet({ ...deps, base, rune, privateHints: false });
  const wallet = open(rune);
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await server[Symbol.asyncDispose]();
  };
  return Promise.resolve({
    wallet,
    secrets: [rune],
    pay: (bolt11: string) => server.pay(bolt11),
    intruder: () => Promise.resolve(open(runeOf(""))),
    stop,
    loseAnswer: () => server.losing = true,
    theirInvoice: (amountMsat: bigint, payable: boolean) => server.theirInvoice(amountMsat, payable),
    async [Symbol.asyncDispose]() {
      await wallet.close();
      await stop();
    },
  });
});
