import { assert, assertEquals, assertExists, assertStringIncludes } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import { freePort, NccProcess, type NccSetup } from "../support/ncc_process.ts";
import { lnbitsOrder, Shopper } from "../support/shopper.ts";

/**
 * A disk that fails under the real program: `strace` lets chosen system calls of `ncc start` answer an error, as the kernel
 * does when a disk is full or broken.
 */
const PATIENCE_MS = 30_000;
const stall = {
  id: "s",
  name: "S",
  currency: "sat",
  shipping: [{ id: "z", name: "Z", cost: 0, regions: ["*"] }],
};
const product = { id: "p", stall_id: "s", name: "P", price: 100, quantity: null };

const strace = await canTrace();
if (!strace) {
  // deno-lint-ignore no-console -- a lane that is skipped says so loudly
  console.warn(
    "SKIPPED: tests/real/disk_test.ts needs strace that may trace (apt-get install strace; ptrace allowed)",
  );
}

Deno.test({
  name:
    "a disk that is full for a while stops the intake, loses nothing that was acknowledged, and is got over",
  ignore: !strace,
  fn: () =>
    withShop(async ({ setup, shopper }) => {
      // From its 120th write on the disk is full, for ten more.
      const ncc = new NccProcess({ ...setup, under: tracer("pwrite64:error=ENOSPC:when=120..130") });
      try {
        assertExists(await ncc.ready(PATIENCE_MS));
        const acknowledged = await orderUntil(shopper, 400, async () => !await isReady(setup));
        assert(!await isReady(setup), "the disk was never full");
        assert(!await orderOnce(shopper, "during"), "took what it has no room for");
        await until(() => isReady(setup));
        assert(await orderOnce(shopper, "after"), "takes orders again by itself");
        assertEquals(missing(await ordersOf(ncc), [...acknowledged, "after"]), []);
      } finally {
        assertEquals(await ncc.end("SIGTERM"), 0);
      }
      assertStringIncludes(await logOf(setup), "storage.fault");
    }),
});

for (const nth of [40, 60, 90]) {
  Deno.test({
    name:
      `an fsync that fails (the ${nth}th) ends the process with 74; the next one has all that was acknowledged`,
    ignore: !strace,
    fn: () =>
      withShop(async ({ setup, shopper }) => {
        const broken = new NccProcess({ ...setup, under: tracer(`fsync,fdatasync:error=EIO:when=${nth}+`) });
        let ended = false;
        const code = broken.ended().finally(() => ended = true);
        await broken.ready(PATIENCE_MS);
        const acknowledged = await orderUntil(shopper, 400, () => Promise.resolve(ended));
        assertEquals(await code, 74, await logOf(setup));
        assertStringIncludes(await logOf(setup), "storage has failed");
        const sound = new NccProcess(setup);
        try {
          assertExists(await sound.ready(PATIENCE_MS));
          await until(async () => missing(await ordersOf(sound), acknowledged).length === 0);
        } finally {
          assertEquals(await sound.end("SIGTERM"), 0);
        }
      }),
  });
}

/** A shop with one product, set up by a first, sound run. */
async function withShop(
  test: (scene: { setup: NccSetup; shopper: () => Shopper }) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  const setup: NccSetup = {
    dataDir,
    port: freePort(),
    settings: { NCC_WALLET: "demo:", NCC_MAX_OPEN_ORDERS: "1000", NCC_DM_RATE: "1000/s" },
  };
  try {
    const first = new NccProcess(setup);
    assertExists(await first.ready(PATIENCE_MS));
    await first.call("POST", "/stalls", stall);
    await first.call("POST", "/products", product);
    const merchant = (await first.call<{ data: { pubkey: string }[] }>("GET", "/merchants")).data[0]!.pubkey;
    assertEquals(await first.end("SIGTERM"), 0);
    const shopper = () =>
      new Shopper({
        secretKey: generateSecretKey(),
        merchant,
        envelope: "nip04",
        relay: `ws://127.0.0.1:${setup.port}/relay`,
      });
    await test({ setup, shopper });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Orders by new customers, one after another, until it is `over`; the ids of those that the relay acknowledged. */
async function orderUntil(
  shopper: () => Shopper,
  most: number,
  over: () => Promise<boolean>,
): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let i = 0; i < most && !await over(); i++) {
    if (await orderOnce(shopper, `order-${i}`)) acknowledged.push(`order-${i}`);
  }
  return acknowledged;
}

async function orderOnce(shopper: () => Shopper, id: string): Promise<boolean> {
  let late: ReturnType<typeof setTimeout> | undefined;
  try {
    await using customer = shopper();
    await customer.connect();
    const gone = new Promise<boolean>((resolve) => late = setTimeout(() => resolve(false), 3_000));
    return await Promise.race([customer.write(lnbitsOrder(id, "p", 1, "z")), gone]);
  } catch {
    return false; // nobody listens (any more)
  } finally {
    clearTimeout(late);
  }
}

async function ordersOf(ncc: NccProcess): Promise<string[]> {
  return (await ncc.all<{ customer_order_id: string }>("/orders")).map((order) => order.customer_order_id);
}

function missing(there: string[], wanted: string[]): string[] {
  return wanted.filter((id) => !there.includes(id));
}

async function isReady(setup: NccSetup): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${setup.port}/readyz`);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // nobody listens
  }
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it never came true");
}

function logOf(setup: NccSetup): Promise<string> {
  return Deno.readTextFile(`${setup.dataDir}/test.log`);
}

function tracer(inject: string): string[] {
  const calls = inject.slice(0, inject.indexOf(":"));
  return [
    "strace",
    // The traced process is our child, so that signals and the exit code are its own.
    "-D",
    "-f",
    "-qq",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    `trace=${calls}`,
    "-e",
    `inject=${inject}`,
  ];
}

async function canTrace(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("strace", {
      args: ["-f", "-qq", "-o", "/dev/null", "true"],
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
