import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import * as nip49 from "nostr-tools/nip49";
import { exists, ncc, place } from "./cli.ts";

interface Changed {
  from: string;
  to: string;
  products: number;
  backup: string | null;
  next: string | null;
}

async function shop(more: Record<string, string> = {}) {
  const p = await place(more);
  const { environment } = p;
  assertEquals((await ncc(["init", "--yes", "--name", "Tea", "--wallet", "demo:"], { environment })).code, 0);
  await ncc(["stall", "add", "Tea", "--currency", "sat"], { environment });
  const shown = async (env = environment) =>
    ((await ncc(["key", "show", "--json"], { environment: env })).json() as { pubkey: string }).pubkey;
  const merchants = async (env = environment) =>
    (await ncc(["stall", "list", "--json"], { environment: env })).json() as {
      merchant: string;
      name: string;
    }[];
  return Object.assign(p, { shown, merchants });
}

Deno.test("key change makes a key, moves the shop, and keeps the old key's file under another name", async () => {
  await using p = await shop();
  const { environment } = p;
  const before = await p.shown();
  const plain = await Deno.readTextFile(`${p.data}/key.nsec`);
  assertStringIncludes(
    (await ncc(["key", "change"], { environment, answers: ["yes"] })).err,
    "Nothing was changed",
  );
  assertEquals((await ncc(["key", "change"], { environment })).code, 2);
  assertEquals(await p.shown(), before);

  const { code, out, err } = await ncc(["key", "change"], { environment, answers: ["move"] });
  assertEquals([code, err], [0, ""]);
  const after = await p.shown();
  assert(after !== before);
  assertStringIncludes(out, `The shop is ${npubEncode(after)} now: 1 stalls`);
  assert(!out.includes("nsec1"));
  const [, backup] = /old key (\S+):/.exec(out)!;
  assertEquals(await Deno.readTextFile(backup!), plain);
  for (const file of [backup!, `${p.data}/key.nsec`]) {
    assertEquals((await Deno.stat(file)).mode! & 0o777, 0o600);
  }
  assert(!await exists(`${p.data}/key.next`));
  assertEquals((await p.merchants()).map((one) => one.merchant), [after]);
  // It can be exported, and changed again.
  assertMatch(
    (await ncc(["key", "export", "--encrypted"], { environment, answers: ["x", "x"] })).out,
    /^ncryptsec1/,
  );
  const again = await ncc(["key", "change", "--yes", "--json"], { environment });
  assertEquals((again.json() as Changed).from, after);
});

Deno.test("a key of the person's own is taken, and said what to set; so is one in NCC_KEY", async () => {
  await using p = await shop();
  const { environment } = p;
  const before = await p.shown();
  const own = generateSecretKey();
  await Deno.writeTextFile(`${p.dir}/own`, `${nsecEncode(own)}\n`, { mode: 0o600 });
  const changed =
    (await ncc(["key", "change", "--yes", "--json", "--key-file", `${p.dir}/own`], { environment }))
      .json() as Changed;
  assertEquals([changed.from, changed.to, changed.backup], [before, getPublicKey(own), null]);
  assertStringIncludes(changed.next!, "Set NCC_KEY");
  // With the old settings and with the new ones it is the same shop.
  for (const env of [environment, { ...environment, NCC_KEY_FILE: `${p.dir}/own` }]) {
    assertEquals((await p.merchants(env)).map((one) => one.merchant), [getPublicKey(own)]);
  }

  await using q = await shop({ NCC_KEY: nsecEncode(generateSecretKey()) });
  const made = (await ncc(["key", "change", "--yes", "--json"], { environment: q.environment }))
    .json() as Changed;
  assertStringIncludes(made.next!, `Take NCC_KEY out of your settings: the new key is in ${q.data}/key.nsec`);
  const { NCC_KEY: _, ...without } = q.environment as Record<string, string>;
  assertEquals(await q.shown(without as typeof q.environment), made.to);
});

Deno.test("a change that was broken off goes on with the key that it made, under the passphrase", async () => {
  await using p = await shop();
  await Deno.writeTextFile(`${p.dir}/passphrase`, "correct horse\n");
  const environment = { ...p.environment, NCC_KEY_PASSPHRASE_FILE: `${p.dir}/passphrase` };
  const left = generateSecretKey();
  await Deno.writeTextFile(`${p.data}/key.next`, nip49.encrypt(left, "correct horse", 4), { mode: 0o600 });
  const changed = (await ncc(["key", "change", "--yes", "--json"], { environment })).json() as Changed;
  assertEquals(changed.to, getPublicKey(left));
  assertMatch(await Deno.readTextFile(`${p.data}/key.nsec`), /^ncryptsec1/);
});

Deno.test("an emergency tells what only people can do", async () => {
  await using p = await shop();
  const { out } = await ncc(["key", "change", "--yes", "--emergency"], { environment: p.environment });
  for (
    const part of ["other ways than the old key", "--payment paid", "still take orders with the old key"]
  ) {
    assertStringIncludes(out, part);
  }
});

Deno.test("a new key that is none, or is the shop's own, changes nothing", async () => {
  await using p = await shop();
  const { environment } = p;
  const before = await p.shown();
  await Deno.writeTextFile(`${p.dir}/bad`, "nsec1canary");
  for (
    const [file, says] of [[`${p.dir}/bad`, "typing error"], [
      `${p.data}/key.nsec`,
      "served already",
    ]] as const
  ) {
    const { code, err } = await ncc(["key", "change", "--yes", "--key-file", file], { environment });
    assertEquals(code, 1);
    assertStringIncludes(err, says);
    assert(!err.includes("canary"));
  }
  assertEquals(await p.shown(), before);
  assertEquals((await p.merchants()).map((one) => one.merchant), [before]);
});
