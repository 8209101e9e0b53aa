import { systemClock } from "../../../src/clock.ts";
import { localSigner } from "../../../src/nostr/signer.ts";
import { pureCrypto } from "../../../src/nostr/verify.ts";
import { encodeBolt11 } from "../../../src/payments/bolt11.ts";
import type { Wallet } from "../../../src/payments/wallet.ts";
import { openWallet } from "../../../src/payments/wallet_url.ts";
import { systemRandom } from "../../../src/random.ts";
import type { Subject } from "../../payments/contract/wallet_contract.ts";
import { silentLog } from "../../support/log.ts";
import { testPool } from "../../support/wire.ts";
import { ElectrumWallet } from "./electrum_wallet.ts";
import { RelayDoor } from "./relay_door.ts";
import type { Lightning } from "./start.ts";

/** Later than the contract waits for an answer that it wants to miss. */
const TOO_LATE_MS = 1_000;
/** A relay may come back, so that the wait goes on as long as it may. */
const UNREACHABLE_MS = 2_000;

/** The real node behind NIP-47, asked over the built-in relay. */
export function nwcSubject({ relay, connections, customer }: Lightning): Subject {
  const stack = new AsyncDisposableStack();
  const door = stack.use(RelayDoor.open(relay.url));
  const url = through(door, connections.spend);
  return {
    wallet: connect(url, stack),
    secrets: [new URL(url).searchParams.get("secret")!],
    pay: (bolt11) => customer.pay(bolt11),
    intruder: () => Promise.resolve(connect(through(door, connections.expired), stack)),
    stop: () => door.shut(),
    unreachableMs: UNREACHABLE_MS,
    // Electrum 4.8 takes the hash for another text.
    ignoresHash: true,
    loseAnswer: () => door.keepNextAnswer(TOO_LATE_MS),
    theirInvoice: (amountMsat, payable) =>
      payable ? customer.invoice(amountMsat / 1000n) : Promise.resolve(nobodys(amountMsat)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The same node by its JSON-RPC, which has hold invoices. */
export function holdSubject({ shop, customer }: Lightning): Subject {
  return {
    wallet: new ElectrumWallet(shop),
    secrets: [],
    pay: (bolt11) => customer.pay(bolt11),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The wallet that a URL names, ended with the stack. */
function connect(url: string, stack: AsyncDisposableStack): Wallet {
  const opened = openWallet(url, {
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    verifier: pureCrypto,
    signer: (secretKey) => localSigner(secretKey, pureCrypto),
    pool: (signer) => stack.use(testPool({ signer })),
  });
  if (!opened.ok) throw new Error(opened.reason);
  stack.defer(() => opened.wallet.close());
  return opened.wallet;
}

function through(door: RelayDoor, connection: string): string {
  const url = new URL(connection);
  url.searchParams.set("relay", door.url);
  return url.href;
}

/** A valid invoice of a node that doesn't exist. */
function nobodys(amountMsat: bigint): string {
  return encodeBolt11({
    network: "bcrt",
    amountMsat,
    timestamp: Math.floor(Date.now() / 1000),
    paymentHash: crypto.getRandomValues(new Uint8Array(32)).toHex(),
    paymentSecret: crypto.getRandomValues(new Uint8Array(32)).toHex(),
    description: "nobody's",
    expirySeconds: 3600,
  }, crypto.getRandomValues(new Uint8Array(32)));
}
