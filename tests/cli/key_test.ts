import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bech32 } from "@scure/base";
import { bytesToHex } from "@noble/hashes/utils.js";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import * as nip49 from "nostr-tools/nip49";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { Bunker } from "../support/bunker.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { exists, ncc, place } from "./cli.ts";

const key = generateSecretKey();
const npub = npubEncode(getPublicKey(key));
/** Cheap to open: what makes it slow isn't what is tested here. */
const ncryptsec = nip49.encrypt(key, "correct horse", 4);

/** Starts the program, and answers how it ended or that it ran. */
async function start(environment: Record<string, string>) {
  return await ncc(["start"], { environment: { ...environment, NCC_PORT: "0" } });
}

async function shown(environment: Record<string, string>): Promise<{ npub: string; source: string }> {
  const { json, err } = await ncc(["key", "show", "--json"], { environment });
  assertEquals(err, "");
  return json() as { npub: string; source: string };
}

Deno.test("an ncryptsec is a key where its passphrase is given, by itself or in a file", async () => {
  await using p = await place();
  await Deno.writeTextFile(`${p.dir}/passphrase`, "correct horse\n", { mode: 0o600 });
  await Deno.writeTextFile(`${p.dir}/key`, `${ncryptsec}\n`, { mode: 0o600 });
  const ways: Record<string, string>[] = [
    { NCC_KEY: ncryptsec, NCC_KEY_PASSPHRASE: "correct horse" },
    { NCC_KEY_FILE: `${p.dir}/key`, NCC_KEY_PASSPHRASE_FILE: `${p.dir}/passphrase` },
  ];
  for (const way of ways) {
    const environment = { ...p.environment, ...way };
    assertEquals((await start(environment)).code, 0);
    assertEquals((await shown(environment)).npub, npub);
    assert(!await exists(`${p.data}/key.nsec`), "a second key was made");
  }
});

Deno.test("a wrong passphrase, none, or a key that takes too much memory end with 78 and say so", async () => {
  await using p = await place();
  const { bytes } = bech32.decodeToBytes(ncryptsec, 200);
  bytes[1] = 22;
  const huge = bech32.encode("ncryptsec", bech32.toWords(bytes), 200);
  const table: [Record<string, string>, string][] = [
    [{ NCC_KEY: ncryptsec, NCC_KEY_PASSPHRASE: "battery" }, "The passphrase is wrong."],
    [{ NCC_KEY: ncryptsec }, "NCC_KEY_PASSPHRASE_FILE"],
    [{ NCC_KEY: huge, NCC_KEY_PASSPHRASE: "correct horse" }, "4 GB of memory"],
    [{ NCC_KEY: ncryptsec.slice(0, -3), NCC_KEY_PASSPHRASE: "correct horse" }, "checksum"],
  ];
  for (const [way, says] of table) {
    const began = performance.now();
    const { code, err } = await start({ ...p.environment, ...way });
    assertEquals(code, 78, err);
    assertStringIncludes(err, says);
    assert(
      !err.includes("correct horse") && !err.includes("battery") && !err.includes(ncryptsec.slice(10, 40)),
    );
    assert(performance.now() - began < 5_000, "it was computed");
  }
});

Deno.test("key encrypt puts the key file under a passphrase; without it nothing starts", async () => {
  await using p = await place();
  const { environment } = p;
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const before = await shown(environment);
  const plain = (await Deno.readTextFile(`${p.data}/key.nsec`)).trim();
  await Deno.writeTextFile(`${p.dir}/passphrase`, "correct horse\n");
  await Deno.writeTextFile(`${p.dir}/spaces`, "correct horse \n");
  const spaced = await ncc(["key", "encrypt", "--passphrase-file", `${p.dir}/spaces`], { environment });
  assertStringIncludes(spaced.err, "white space");
  assertEquals((await Deno.readTextFile(`${p.data}/key.nsec`)).trim(), plain);

  const done = await ncc(["key", "encrypt", "--passphrase-file", `${p.dir}/passphrase`], { environment });
  assertEquals([done.code, done.err], [0, ""]);
  assertStringIncludes(done.out, `NCC_KEY_PASSPHRASE_FILE=${p.dir}/passphrase`);
  const text = (await Deno.readTextFile(`${p.data}/key.nsec`)).trim();
  assertEquals(nsecEncode(nip49.decrypt(text, "correct horse")), plain);
  assertEquals((await Deno.stat(`${p.data}/key.nsec`)).mode! & 0o777, 0o600);
  assertEquals([...Deno.readDirSync(p.data)].filter((one) => one.name.includes(".new")), []);

  const without = await start(environment);
  assertEquals(without.code, 78);
  assertStringIncludes(without.err, "NCC_KEY_PASSPHRASE_FILE");
  const withIt = { ...environment, NCC_KEY_PASSPHRASE_FILE: `${p.dir}/passphrase` };
  assertEquals((await shown(withIt)).npub, before.npub);
  const again = await ncc(["key", "encrypt"], { environment: withIt, answers: ["x", "x"] });
  assertStringIncludes(again.err, "encrypted already");
  const exported = await ncc(["key", "export", "--encrypted"], { environment: withIt, answers: ["y", "y"] });
  assertEquals(nsecEncode(nip49.decrypt(exported.out, "y")), plain);
});

Deno.test("a key that is made where a passphrase is set is never in the clear; init offers it", async () => {
  await using p = await place();
  await Deno.writeTextFile(`${p.dir}/passphrase`, "correct horse\n");
  const { environment } = p;
  const made = await ncc(["init", "--yes", "--passphrase-file", `${p.dir}/passphrase`], { environment });
  assertEquals([made.code, made.err], [0, ""]);
  const text = (await Deno.readTextFile(`${p.data}/key.nsec`)).trim();
  assertMatch(text, /^ncryptsec1/);
  assertEquals(getPublicKey(nip49.decrypt(text, "correct horse")).length, 64);
  assertStringIncludes(made.out, (await shown(environment)).npub);

  await using other = await place();
  const args = ["init", "--yes", "--key", nsecEncode(key), "--passphrase-file", `${p.dir}/passphrase`];
  assertEquals((await ncc(args, { environment: other.environment })).code, 0);
  const written = await Deno.readTextFile(`${other.data}/ncc.env`);
  assert(
    !written.includes("nsec1") && !written.includes(bytesToHex(key)) && !written.includes("correct horse"),
  );
  assertStringIncludes(written, "ncryptsec1");
  assertEquals((await shown(other.environment)).npub, npub);
});

Deno.test("a key in a remote signer: shown once it was connected, never exported, examined by the doctor", async () => {
  await using relay = await FakeRelay.start();
  await using bunker = await Bunker.start(relay.url);
  await using p = await place({ NCC_KEY: bunker.url });
  const { environment } = p;
  const doctor = async () => {
    const { json } = await ncc(["doctor", "--json"], { environment });
    const { findings } = json() as {
      findings: { what: string; state: string; detail: string; remedy?: string }[];
    };
    return findings.find((one) => one.what === "key")!;
  };
  assertStringIncludes((await doctor()).detail, "isn't connected yet");
  assertEquals(bunker.heard.length, 0, "the address works once");
  assertEquals((await ncc(["key", "show"], { environment })).code, 1);

  const [stopped, silent] = [await start(environment), bunker.count("connect")];
  assertEquals([stopped.code, silent <= 1], [69, true], "who is asked to end doesn't wait");
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const own = await shown(environment);
  assertEquals(own.npub, npubEncode(bunker.merchant.pubkey));
  assertStringIncludes(own.source, "remote signer");
  assertStringIncludes((await ncc(["key", "export", "--encrypted"], { environment })).err, "remote signer");

  assertMatch((await doctor()).detail, /via a remote signer, which answers in \d+ ms/);
  bunker.is.lacks = ["nip04_decrypt", "nip04_encrypt"];
  const lacking = await doctor();
  assertEquals(lacking.state, "warning");
  assertMatch(lacking.detail, /doesn't do nip04_encrypt \(what\?\), nip04_decrypt \(what\?\)/);
  assertStringIncludes(lacking.remedy!, "Without nip04_* the usual direct messages");
  bunker.is.refuses = { sign_event: "not allowed" };
  assertEquals((await doctor()).state, "problem");
  bunker.is.refuses = {};
  bunker.is.lacks = [];
  const before = bunker.merchant;
  bunker.merchant = { secretKey: key, pubkey: getPublicKey(key) };
  assertStringIncludes((await doctor()).detail, `holds ${npub} now`);
  bunker.merchant = before;
  assert(!JSON.stringify(await doctor()).includes(bunker.secret!));
});
