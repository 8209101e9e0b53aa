import { assert, assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../../src/clock.ts";
import type { ChainServer } from "../../../src/payments/chain/chain_server.ts";
import { readServer } from "../../../src/payments/chain/server_address.ts";
import { testAccount } from "../../support/fake_chain.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const GENESIS = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f";
const ours = testAccount().derive(0, "bcrt");
const never = new AbortController().signal;
const [A, B] = ["a".repeat(64), "b".repeat(64)];

/** Esplora's answers by path, as its documentation has them. */
function serve(answers: Record<string, () => Response>) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    return answers[pathname]?.() ?? new Response("Not found", { status: 404 });
  });
  return { url: `esplora+http://127.0.0.1:${server.addr.port}/api`, asked, stop: () => server.shutdown() };
}

const text = (body: string) => () => new Response(body, { headers: { "content-type": "text/plain" } });
const json = (body: unknown) => () => Response.json(body);
const usual = { "/api/block-height/0": text(GENESIS), "/api/blocks/tip/height": text("840000") };

async function open(url: string, clock = systemClock): Promise<ChainServer> {
  const read = readServer(url);
  assert(read.ok);
  return await read.open(clock).open(never);
}

Deno.test("Esplora: outputs to the address, confirmed and not", async () => {
  const esplora = serve({
    ...usual,
    [`/api/address/${ours.address}/txs`]: json([
      {
        txid: A,
        vin: [],
        vout: [
          { scriptpubkey: "6a", scriptpubkey_type: "op_return", value: 0 },
          { scriptpubkey_address: ours.address, value: 12_345 },
          { scriptpubkey_address: "bcrt1qother", value: 7 },
        ],
        status: { confirmed: false },
      },
      {
        txid: B,
        vout: [{ scriptpubkey_address: ours.address, value: 5 }],
        status: { confirmed: true, block_height: 839_999, block_hash: GENESIS, block_time: 1 },
      },
    ]),
  });
  const server = await open(esplora.url);
  assertEquals([server.network, await server.tip(never), server.news()], ["bc", 840_000, []]);
  assertEquals(await server.outputs(ours, { follow: true }, never), [
    { txid: A, vout: 1, amountSat: 12_345n, height: null },
    { txid: B, vout: 0, amountSat: 5n, height: 839_999 },
  ]);
  await server.close();
  await esplora.stop();
});

Deno.test("Esplora: the newest block is asked for every 30 seconds", async () => {
  const clock = new FakeClock();
  const esplora = serve(usual);
  const server = await open(esplora.url, clock);
  const tips = () => esplora.asked.filter((path) => path === "/api/blocks/tip/height").length;
  for (let i = 0; i < 3; i++) await server.tip(never);
  assertEquals(tips(), 1);
  clock.jump(30_000);
  for (let i = 0; i < 3; i++) await server.tip(never);
  assertEquals(tips(), 2);
  await server.close();
  await esplora.stop();
});

Deno.test("Esplora: what can't be understood is an error, and no payment", async () => {
  for (
    const answer of [
      text("<html>"),
      json({ error: "rate" }),
      json([{ txid: "x", vout: [], status: { confirmed: true } }]),
      json([{
        txid: A,
        vout: [{ scriptpubkey_address: ours.address, value: -5 }],
        status: { confirmed: true },
      }]),
      json([{
        txid: A,
        vout: [{ scriptpubkey_address: ours.address, value: 0.5 }],
        status: { confirmed: true },
      }]),
      () => new Response("too many", { status: 429 }),
      () => new Response("away", { status: 502 }),
      () => new Response(null, { status: 302, headers: { location: "http://127.0.0.1/" } }),
    ]
  ) {
    const esplora = serve({ ...usual, [`/api/address/${ours.address}/txs`]: answer });
    const server = await open(esplora.url);
    await assertRejects(() => server.outputs(ours, { follow: true }, never));
    await server.close();
    await esplora.stop();
  }
});

Deno.test("Esplora: a server of an unknown chain isn't taken", async () => {
  const esplora = serve({ ...usual, "/api/block-height/0": text(A) });
  await assertRejects(() => open(esplora.url), Error, "unknown chain");
  await esplora.stop();
});
