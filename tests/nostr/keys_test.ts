import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { bytesToHex } from "@noble/hashes/utils.js";
import { bech32 } from "@scure/base";
import * as nip19 from "nostr-tools/nip19";
import * as nip49 from "nostr-tools/nip49";
import {
  exportEncrypted,
  importEncrypted,
  loadOrCreateKeyFile,
  npub,
  nsec,
  parseKey,
  parsePublicKey,
  parseSecretKey,
} from "../../src/nostr/keys.ts";
import { systemRandom } from "../../src/random.ts";
import { keyPair, seededRandom } from "../support/keys.ts";

const { secretKey, pubkey } = keyPair("merchant");
const hex = bytesToHex(secretKey);
const words = "leader monkey parrot ring guide accident before fence cannon height naive bean";

Deno.test("parseSecretKey() reads nsec and hex, however they were copied", () => {
  const forms = [
    nsec(secretKey),
    `  ${nsec(secretKey)}\n`,
    `nostr:${nsec(secretKey)}`,
    nsec(secretKey).toUpperCase(),
    hex,
    hex.toUpperCase(),
  ];
  for (const text of forms) assertEquals(parseSecretKey(text), { ok: true, secretKey });
  assertEquals(nsec(secretKey), nip19.nsecEncode(secretKey));
});

Deno.test("parseSecretKey() says what was given instead", () => {
  const event = "0".repeat(64);
  const table: [string, string][] = [
    ["", "Nothing was given."],
    [npub(pubkey), "public key"],
    [nip19.nprofileEncode({ pubkey }), "public key"],
    [nip19.noteEncode(event), "names an event"],
    [nip19.neventEncode({ id: event }), "names an event"],
    [nip19.naddrEncode({ identifier: "x", pubkey, kind: 30_017 }), "names an event"],
    [
      "ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p",
      "passphrase",
    ],
    [`bunker://${pubkey}?relay=wss://r.example`, "remote signer"],
    [`nostr+walletconnect://${pubkey}?secret=${hex}`, "connects a wallet"],
    [words, "seed words"],
    ["shop@example.com", "name (NIP-05)"],
    [hex.slice(1), "63 hex digits"],
    [hex + "0", "65 hex digits"],
    ["0x" + hex, "This is no key"],
    ["hunter2", "This is no key"],
    [nsec(secretKey).slice(0, -1), "cut off"],
    [nsec(secretKey).replace(/.$/, "q"), "checksum"],
    ["0".repeat(64), "no usable key"],
    ["f".repeat(64), "no usable key"],
  ];
  for (const [text, says] of table) {
    const parsed = parseSecretKey(text);
    assert(!parsed.ok && parsed.reason.includes(says), `${says}: ${parsed.ok ? "accepted" : parsed.reason}`);
  }
});

Deno.test("parsePublicKey() reads npub, nprofile and hex", () => {
  for (
    const text of [
      npub(pubkey),
      nip19.nprofileEncode({ pubkey, relays: ["wss://r.example"] }),
      pubkey,
      ` nostr:${npub(pubkey)} `,
      pubkey.toUpperCase(),
    ]
  ) {
    assertEquals(parsePublicKey(text), { ok: true, pubkey });
  }
});

Deno.test("parsePublicKey() warns of a secret key and refuses what can be no key", () => {
  const table: [string, string][] = [
    [nsec(secretKey), "SECRET"],
    ["", "Nothing was given."],
    [npub(pubkey).slice(0, -2), "checksum"],
    ["eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34", "no point"],
    ["f".repeat(64), "no point"],
    ["shop@example.com", "npub1"],
  ];
  for (const [text, says] of table) {
    const parsed = parsePublicKey(text);
    assert(!parsed.ok && parsed.reason.includes(says), `${says}: ${parsed.ok ? "accepted" : parsed.reason}`);
  }
});

Deno.test("no refusal and no error shows a secret or a part of it", async () => {
  const secret = nsec(secretKey);
  const misread = secret.slice(0, 40) + "b" + secret.slice(41);
  const texts = [
    misread,
    secret.slice(0, -1),
    `key: ${secret}`,
    `key=${hex}`,
    `${secret} x`,
    hex + "ab",
    hex.slice(2),
    words,
    `nostr+walletconnect://x?secret=${hex}`,
  ];
  const said: string[] = [];
  for (const text of texts) {
    for (const parsed of [parseSecretKey(text), parsePublicKey(text), importEncrypted(text, "hunter2")]) {
      assert(!parsed.ok);
      said.push(parsed.reason);
    }
    const dir = await Deno.makeTempDir();
    await Deno.writeTextFile(`${dir}/key`, text, { mode: 0o600 });
    said.push((await assertRejects(() => loadOrCreateKeyFile(`${dir}/key`, systemRandom))).message);
    await Deno.remove(dir, { recursive: true });
  }
  for (const reason of said) {
    for (const part of [secret.slice(5, 25), hex.slice(10, 30), "monkey", "hunter2"]) {
      assert(!reason.includes(part), reason);
    }
  }
});

Deno.test("loadOrCreateKeyFile() makes a key once, for its owner only, in a folder for its owner only", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/data/merchant.key`;
  const first = await loadOrCreateKeyFile(path, seededRandom());
  assertEquals(first.created, true);
  assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(`${dir}/data`)).mode! & 0o777, 0o700);
  assertEquals(await Deno.readTextFile(path), `${nsec(first.secretKey)}\n`);
  assertEquals(await loadOrCreateKeyFile(path, seededRandom(2)), {
    secretKey: first.secretKey,
    created: false,
  });
  assertEquals([...Deno.readDirSync(`${dir}/data`)].map((e) => e.name), ["merchant.key"]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("loadOrCreateKeyFile() gives everybody the same key when many start at once", async () => {
  const dir = await Deno.makeTempDir();
  const all = await Promise.all(
    Array.from({ length: 10 }, (_, i) => loadOrCreateKeyFile(`${dir}/key`, seededRandom(i + 1))),
  );
  assertEquals(new Set(all.map((k) => bytesToHex(k.secretKey))).size, 1);
  assertEquals(all.filter((k) => k.created).length, 1);
  assertEquals([...Deno.readDirSync(dir)].length, 1);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("loadOrCreateKeyFile() refuses a file that others can read, and tells the remedy", async () => {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/key`;
  await Deno.writeTextFile(path, hex);
  for (const mode of [0o644, 0o640, 0o604, 0o620, 0o601]) {
    await Deno.chmod(path, mode);
    await assertRejects(() => loadOrCreateKeyFile(path, systemRandom), Error, `chmod 600 '${path}'`);
  }
  await Deno.chmod(path, 0o400);
  assertEquals(await loadOrCreateKeyFile(path, systemRandom), { secretKey, created: false });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("loadOrCreateKeyFile() never replaces a file that holds no key", async () => {
  const dir = await Deno.makeTempDir();
  for (const text of ["", "\n", npub(pubkey)]) {
    await Deno.writeTextFile(`${dir}/key`, text, { mode: 0o600 });
    await assertRejects(() => loadOrCreateKeyFile(`${dir}/key`, systemRandom), Error, "holds no usable key");
    assertEquals(await Deno.readTextFile(`${dir}/key`), text);
  }
  await assertRejects(() => loadOrCreateKeyFile(dir, systemRandom));
  await Deno.remove(dir, { recursive: true });
});

Deno.test("an exported key opens with its passphrase only, also with nostr-tools", () => {
  const exported = exportEncrypted(secretKey, "correct horse");
  assertMatch(exported, /^ncryptsec1/);
  assertEquals(nip49.decrypt(exported, "correct horse"), secretKey);
  assertThrows(() => exportEncrypted(secretKey, ""), Error, "passphrase is needed");
  // Cheap to open: what makes an export slow isn't what is tested here.
  const theirs = nip49.encrypt(secretKey, "battery", 4);
  assertEquals(importEncrypted(` ${theirs}\n`, "battery"), { ok: true, secretKey });
  for (
    const [text, passphrase] of [[theirs, "wrong"], [theirs, ""], [theirs.slice(0, -4), "battery"]] as const
  ) {
    assertEquals(importEncrypted(text, passphrase).ok, false);
  }
  const npubGiven = importEncrypted(npub(pubkey), "battery");
  assert(!npubGiven.ok && npubGiven.reason.includes("public key"));
});

Deno.test("an ncryptsec that asks for gigabytes is refused before anything is computed", () => {
  const { bytes } = bech32.decodeToBytes(nip49.encrypt(secretKey, "battery", 4), 200);
  for (const logN of [21, 30, 255]) {
    bytes[1] = logN;
    const began = performance.now();
    const read = importEncrypted(bech32.encode("ncryptsec", bech32.toWords(bytes), 200), "battery");
    assert(!read.ok && read.reason.includes("GB of memory"), JSON.stringify(read));
    assert(performance.now() - began < 1_000);
  }
  bytes[0] = 3;
  const newer = importEncrypted(bech32.encode("ncryptsec", bech32.toWords(bytes), 200), "battery");
  assert(!newer.ok && newer.reason.includes("version 3"));
});

Deno.test("parseKey() reads every form of a merchant's key", () => {
  const secret = { ok: true, key: { type: "secret", secretKey } } as const;
  const theirs = nip49.encrypt(secretKey, "battery", 4);
  for (const text of [hex, nsec(secretKey), ` ${theirs}\n`, theirs.toUpperCase()]) {
    assertEquals(parseKey(text, "battery"), secret);
  }
  const bunker = parseKey(`bunker://${pubkey}?relay=wss://r.example&secret=s3`, null);
  assert(bunker.ok && bunker.key.type === "bunker" && bunker.key.bunker.secret === "s3");
  const table: [string, string | null, string][] = [
    [theirs, null, "NCC_KEY_PASSPHRASE_FILE"],
    [theirs, "horse", "passphrase is wrong"],
    [`bunker://${pubkey}?secret=s3`, null, "names no relay"],
    [npub(pubkey), null, "public key"],
  ];
  for (const [text, passphrase, says] of table) {
    const read = parseKey(text, passphrase);
    assert(!read.ok && read.reason.includes(says), `${says}: ${JSON.stringify(read)}`);
  }
});
