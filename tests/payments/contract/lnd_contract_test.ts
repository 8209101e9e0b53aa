import { systemClock } from "../../../src/clock.ts";
import type { Log } from "../../../src/log.ts";
import { systemRandom } from "../../../src/random.ts";
import { LndWallet } from "../../../src/payments/wallets/lnd/lnd_wallet.ts";
import { silentLog } from "../../support/log.ts";
import { LndServer } from "./lnd_server.ts";
import { INVOICES, macaroon } from "./macaroons.ts";
import { walletContract } from "./wallet_contract.ts";

walletContract("LND", () => {
  const secret = macaroon(...INVOICES, "info:read", "offchain:read", "offchain:write");
  const server = new LndServer({ macaroon: secret.toHex() });
  const base = new URL(`http://127.0.0.1:${server.port}/`);
  const open = (macaroon: Uint8Array, log: Log = silentLog) =>
    new LndWallet({
      base,
      macaroon,
      privateHints: false,
      clock: systemClock,
      random: systemRandom,
      log,
      cursors: null,
    });
  const wallet = open(secret);
  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    await server[Symbol.asyncDispose]();
  };
  return Promise.resolve({
    wallet,
    secrets: [secret.toHex(), secret.toBase64(), secret.toBase64({ alphabet: "base64url" })],
    pay: (bolt11: string) => server.pay(bolt11),
    intruder: () => Promise.resolve(open(macaroon(...INVOICES))),
    stop,
    loseAnswer: () => server.losing = true,
    theirInvoice: (amountMsat: bigint, payable: boolean) => server.theirInvoice(amountMsat, payable),
    async [Symbol.asyncDispose]() {
      await wallet.close();
      await stop();
    },
  });
});
