import { assert, assertEquals, assertMatch } from "@std/assert";
import { systemClock } from "../../../src/clock.ts";
import { descriptorChecksum } from "../../../src/payments/chain/descriptor_checksum.ts";
import { readServer } from "../../../src/payments/chain/server_address.ts";
import { TEST_KEY, testAccount } from "../../support/fake_chain.ts";
import { Bitcoind } from "./bitcoind.ts";
import { eventually } from "./daemon.ts";
import { ElectrumServer } from "./electrum_server.ts";
import { findPrograms } from "./packages.ts";
import { PATIENCE_MS, PRICE_SAT, RealShop } from "./shop.ts";

/** On-chain payments with a real Bitcoin node, behind a server of the Electrum protocol. */
const programs = await findPrograms();
if (!programs.ok) {
  // deno-lint-ignore no-console -- a lane that is skipped says so loudly
  console.warn(`SKIPPED: tests/real/lightning/btc_test.ts: ${programs.reason}`);
}

/** Programs and servers live longer than the sanitizers look. */
const shared = { ignore: !programs.ok, sanitizeOps: false, sanitizeResources: false };
const demo = { connections: { receive: "demo:", spend: "demo:", expired: "", further: "" } };

interface Scene extends AsyncDisposable {
  chain: Bitcoind;
  server: ElectrumServer;
}

async function open(): Promise<Scene> {
  assert(programs.ok);
  const dir = await Deno.makeTempDir({ prefix: "ncc-btc-" });
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  const chain = stack.use(await Bitcoind.start(programs.bitcoind, dir));
  const server = stack.use(await ElectrumServer.serve(chain));
  chain.onChange = () => server.sync();
  const disposed = stack.move();
  return { chain, server, [Symbol.asyncDispose]: () => disposed.disposeAsync() };
}

Deno.test({
  ...shared,
  name: "real chain: addresses and checksums are the node's own",
  fn: async () => {
    await using scene = await open();
    const text = `wpkh(${TEST_KEY}/0/*)`;
    const { checksum } = await scene.chain.rpc<{ checksum: string }>("getdescriptorinfo", [text]);
    assertEquals(descriptorChecksum(text), checksum);
    const addresses = await scene.chain.rpc<string[]>("deriveaddresses", [`${text}#${checksum}`, [0, 30]]);
    const account = testAccount();
    assertEquals(addresses, addresses.map((_, index) => account.derive(index, "bcrt").address));
  },
});

Deno.test({
  ...shared,
  name: "real chain: an order is paid on-chain, its fee is raised on the way, and it is confirmed",
  fn: async () => {
    await using scene = await open();
    const { chain, server } = scene;
    // Somebody else has used the wallet's first address.
    await chain.send(testAccount().derive(0, "bcrt").address, 5_000n);
    await chain.mine();
    const servers = `electrum+tcp://127.0.0.1:${server.port}`;
    const settings = { NCC_BTC: TEST_KEY, NCC_BTC_SERVERS: servers, NCC_LOG: "info" };
    await using shop = await RealShop.open(demo, { settings });
    await eventually("the account is searched", PATIENCE_MS, async () => {
      return (await shop.log()).includes("btc.account") ? true : undefined;
    });
    await shop.order("lamp-1");
    const request = await shop.hears((message) => message.id === "lamp-1" && message.type === 1);
    assertEquals(request.payment_options!.map(({ type }) => type), ["ln", "btc"]);
    const { address } = testAccount().derive(1, "bcrt");
    assertEquals(request.payment_options![1]!.link, `bitcoin:${address}?amount=0.000215`);

    const txid = await chain.send(address, PRICE_SAT);
    await shop.hears(({ message }) => message?.includes("waits for 1 confirmation") ?? false);
    const bumped = await chain.bumpFee(txid);
    assertEquals((await shop.one("lamp-1")).payment, "awaiting");
    await chain.mine();
    const receipt = await shop.hears((message) => message.paid === true);
    assertEquals(receipt.id, "lamp-1");
    const order = await shop.one("lamp-1");
    assertEquals([order.payment, order.received_msat], ["paid", `${PRICE_SAT}000`]);
    const payments = await shop.ncc.all<{ payment_hash: string; amount_msat: string; wallet: string }>(
      `/payments?order_id=${order.id}`,
    );
    assertEquals(payments.map((payment) => payment.amount_msat), [`${PRICE_SAT}000`]);
    assertMatch(payments[0]!.payment_hash, new RegExp(`^${bumped}:\\d$`));
    assertEquals(payments[0]!.wallet, `${testAccount().id}:bcrt`);
  },
});

Deno.test({
  ...shared,
  name: "real chain: a payment of a block that is lost is there again in another one",
  fn: async () => {
    await using scene = await open();
    const { chain, server } = scene;
    const read = readServer(`electrum+tcp://127.0.0.1:${server.port}`);
    assert(read.ok);
    const never = new AbortController().signal;
    const client = await read.open(systemClock).open(never);
    const ours = testAccount().derive(3, "bcrt");
    const outputs = () => client.outputs(ours, { follow: true }, never);
    assertEquals(await outputs(), []);
    const txid = await chain.send(ours.address, 7_000n);
    const said = { txid, amountSat: 7_000n };
    const seen = await outputs();
    assertEquals(seen.map(({ vout: _, ...rest }) => rest), [{ ...said, height: null }]);
    const [block] = await chain.mine();
    const heights = async () => (await outputs()).map(({ height }) => height);
    const [found] = await heights();
    assertEquals(await client.tip(never), found);
    await chain.rpc("invalidateblock", [block]);
    await chain.onChange();
    assertEquals(await heights(), [null]);
    // Mined for the same address it would be the very block that isn't valid any more.
    await chain.rpc("generatetoaddress", [2, await chain.address()]);
    await chain.onChange();
    assertEquals(await heights(), [found]);
    assertEquals(client.news().includes(ours.scriptHash), true);
    await client.close();
  },
});
