import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Clock } from "../../../src/clock.ts";
import { type PaymentHint, WalletError } from "../../../src/payments/wallet.ts";
import { Following, type FollowingOptions } from "../../../src/payments/wallets/following.ts";
import { jsonLines } from "../../../src/payments/wallets/ndjson.ts";
import { recordingLog, silentLog } from "../../support/log.ts";

Deno.test("a stream's lines are read wherever its pieces are cut, in the middle of a character, too", async () => {
  const values = fc.array(fc.jsonValue({ stringUnit: "grapheme" }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(values, fc.array(fc.nat(200)), fc.boolean(), async (values, cuts, ended) => {
      const text = values.map((value) => JSON.stringify(value)).join("\n") +
        (ended && values.length ? "\n" : "");
      const bytes = new TextEncoder().encode(text);
      const at = [
        0,
        ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other),
        bytes.length,
      ];
      const pieces = at.slice(1).map((end, index) => bytes.slice(at[index]!, end));
      assertEquals(
        await Array.fromAsync(jsonLines(ReadableStream.from(pieces))),
        JSON.parse(JSON.stringify(values)),
      );
    }),
  );
});

Deno.test("a line that is cut off by the end, or is no JSON, is a bad answer after those before it", async () => {
  for (const text of ['{"a":1}\n{"b":', '{"a":1}\n<html>\n{"c":3}\n']) {
    const read: unknown[] = [];
    const reading = async () => {
      for await (const value of jsonLines(ReadableStream.from([new TextEncoder().encode(text)]))) {
        read.push(value);
      }
    };
    const error = await reading().catch((error) => error);
    assert(error instanceof WalletError && error.kind === "bad_answer", String(error));
    assertEquals(read, [{ a: 1 }]);
  }
});

Deno.test("it goes on from what was told last, tells before it remembers, and pauses longer and longer", async () => {
  const steps: string[] = [];
  const pauses: number[] = [];
  const from: (string | null)[] = [];
  const done = Promise.withResolvers<void>();
  const following = open({
    clock: clockOf(pauses),
    cursors: {
      read: () => Promise.resolve("5"),
      write: (_, cursor) => Promise.resolve(void steps.push(`kept ${cursor}`)),
    },
    async read(cursor, tell) {
      from.push(cursor);
      if (from.length === 2) {
        await tell({ paymentHash: "aa" }, "6");
        throw new WalletError("no_answer", "it broke");
      }
      if (from.length === 6) done.resolve();
      if (from.length !== 1) throw new WalletError("unreachable", "it is away");
    },
  });
  const unsubscribe = following.subscribe(({ paymentHash }) => steps.push(`told ${paymentHash}`));
  await done.promise;
  unsubscribe();
  await following.close();
  assertEquals(from, ["5", "5", "6", "6", "6", "6"]);
  assertEquals(steps, ["told aa", "kept 6"]);
  assertEquals(pauses.slice(0, 5), [1_000, 1_000, 1_000, 2_000, 4_000]);
});

Deno.test("what opens and ends without a word is opened again with growing pauses", async () => {
  const pauses: number[] = [];
  const done = Promise.withResolvers<void>();
  let opened = 0;
  const following = open({
    clock: clockOf(pauses),
    async read(_, tell) {
      if (++opened === 6) done.resolve();
      await tell(opened === 4 ? { ref: "r" } : {});
      throw new WalletError("unreachable", "it hung up");
    },
  });
  following.subscribe(() => {});
  await done.promise;
  await following.close();
  assertEquals(pauses.slice(0, 5), [1_000, 2_000, 4_000, 1_000, 1_000]);
});

Deno.test("nothing is read while nobody listens, and one who comes later hears what comes then", async () => {
  let open_ = 0;
  let told: (() => Promise<void>) | undefined;
  const following = open({
    async read(_, tell, signal) {
      open_++;
      told = () => tell({ paymentHash: "aa" }, "1");
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      open_--;
    },
  });
  assertEquals(open_, 0);
  const heard: PaymentHint[] = [];
  const listen = () => following.subscribe((hint) => heard.push(hint));
  const [one, other] = [listen(), listen()];
  await until(() => open_ === 1);
  one();
  one();
  await told!();
  assertEquals(heard.length, 1);
  other();
  await until(() => open_ === 0);
  const again = listen();
  await until(() => open_ === 1);
  await told!();
  assertEquals(heard.length, 2);
  again();
  await following.close();
  assertEquals(open_, 0);
});

Deno.test("a cursor that can't be kept costs no hint; the same fault is logged once", async () => {
  const { log, lines } = recordingLog();
  const done = Promise.withResolvers<void>();
  let reads = 0;
  const following = open({
    log,
    cursors: { read: () => Promise.resolve(null), write: () => Promise.reject(new Error("disk full")) },
    async read(cursor, tell) {
      if (++reads === 1) return await tell({ paymentHash: "aa" }, "1");
      assertEquals(cursor, "1");
      if (reads === 5) done.resolve();
      throw new WalletError("unreachable", "it is away");
    },
  });
  const heard: PaymentHint[] = [];
  following.subscribe((hint) => heard.push(hint));
  await done.promise;
  await following.close();
  assertEquals(heard, [{ paymentHash: "aa" }]);
  assertEquals(lines.map(({ event }) => event), ["wallet.cursor_not_kept", "wallet.stream_broke"]);
});

function open(o: Partial<FollowingOptions> & Pick<FollowingOptions, "read">): Following {
  const random = { fraction: () => 0.5, bytes: () => new Uint8Array(), uuid: () => "" };
  return new Following({ wallet: "w", clock: clockOf([]), random, log: silentLog, cursors: null, ...o });
}

/** Its sleepers wake at once; how long they meant to sleep is noted. */
function clockOf(pauses: number[]): Clock {
  return {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms) => {
      pauses.push(ms);
      return new Promise((resolve) => setTimeout(resolve, 0));
    },
  };
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 1));
}
