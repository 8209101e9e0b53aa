import { assert, assertEquals, assertMatch } from "@std/assert";
import { HDKey } from "@scure/bip32";
import { p2wpkh, TEST_NETWORK } from "@scure/btc-signer";
import { type ChainAccount, readAccount, scriptHashOf } from "../../../src/payments/chain/account.ts";
import { descriptorChecksum } from "../../../src/payments/chain/descriptor_checksum.ts";
import { TEST_KEY, testAccount } from "../../support/fake_chain.ts";

/** BIP 84's test vectors: account 0 of the seed "abandon … about". */
const ZPUB =
  "zpub6rFR7y4Q2AijBEqTUquhVz398htDFrtymD9xYYfG1m4wAcvPhXNfE3EfH1r1ADqtfSdVCToUG868RvUUkgDKf31mGDtKsAYz2oz2AGutZYs";
const FIRST = "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu";
const SECOND = "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g";
const FIRST_CHANGE = "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el";

const MAIN = { public: 0x0488b21e, private: 0x0488ade4 };
const KEY = HDKey.fromExtendedKey(ZPUB, { public: 0x04b24746, private: 0x04b2430c });
const XPUB = new HDKey({
  versions: MAIN,
  chainCode: KEY.chainCode!,
  publicKey: KEY.publicKey!,
  depth: KEY.depth,
  index: KEY.index,
  parentFingerprint: KEY.parentFingerprint,
}).publicExtendedKey;

function account(text: string): ChainAccount {
  const read = readAccount(text);
  assert(read.ok, read.ok ? "" : read.reason);
  return read.account;
}

Deno.test("BIP 84's vectors", () => {
  const its = account(ZPUB);
  assertEquals([0, 1].map((index) => its.derive(index, "bc").address), [FIRST, SECOND]);
  assertEquals(its.networks, ["bc"]);
});

Deno.test("one wallet has one name, however its key is written", () => {
  const same = [
    ZPUB,
    XPUB,
    `wpkh(${XPUB}/0/*)`,
    `wpkh([73c5da0a/84'/0'/0']${XPUB}/0/*)`,
    `wpkh([73c5da0a/84h/0h/0h]${XPUB}/<0;1>/*)`,
    `wpkh([73c5da0a/84h/0h/0h]${XPUB}/0/*)#${descriptorChecksum(`wpkh([73c5da0a/84h/0h/0h]${XPUB}/0/*)`)}`,
    `  ${ZPUB}\n`,
  ].map(account);
  for (const one of same) {
    assertEquals([one.id, one.derive(1, "bc").address], [same[0]!.id, SECOND]);
  }
  const change = account(`wpkh(${XPUB}/1/*)`);
  assertEquals(change.derive(0, "bc").address, FIRST_CHANGE);
  assert(change.id !== same[0]!.id);
});

Deno.test("a test network's key is for test networks alone, and derives as @scure does", () => {
  const its = testAccount();
  assertEquals(its.networks, ["tb", "tbs", "bcrt"]);
  const key = HDKey.fromExtendedKey(TEST_KEY, { public: 0x043587cf, private: 0x04358394 }).deriveChild(0);
  for (const index of [0, 1, 19, 2_147_483_647]) {
    const expected = p2wpkh(key.deriveChild(index).publicKey!, TEST_NETWORK).address;
    assertEquals(its.derive(index, "tb").address, expected);
    assertEquals(its.derive(index, "tbs").address, expected);
    assertMatch(its.derive(index, "bcrt").address, /^bcrt1q/);
    assertEquals(its.derive(index, "bcrt").scriptHash, its.derive(index, "tb").scriptHash);
  }
  let refused = "";
  try {
    its.derive(0, "bc");
  } catch (error) {
    refused = String(error);
  }
  assertMatch(refused, /isn't for the network bc/);
});

Deno.test("a script's name in the Electrum protocol", () => {
  // The protocol's documentation has this one: the script of the first block's address.
  const script = Uint8Array.fromHex("76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac");
  assertEquals(scriptHashOf(script), "8b01df4e368ea28f8dc0423bcf7a4923e3a12d307c875e47a0cfbf90b5c39161");
});

Deno.test("BIP 380's checksums", () => {
  assertEquals(descriptorChecksum("raw(deadbeef)"), "89f8spxm");
  assertEquals(descriptorChecksum("raw(dead–beef)"), null);
});

Deno.test("what isn't a public key of a wallet like that is refused, and never quoted", () => {
  const secret = HDKey.fromMasterSeed(new Uint8Array(32).fill(7)).privateExtendedKey;
  const table: [string, RegExp][] = [
    [secret, /private key/],
    [`wpkh(${secret}/0/*)`, /private key/],
    [`[73c5da0a]${secret}`, /private key/],
    ["5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KF", /private key/],
    ["L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1", /private key/],
    ["0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d", /private key/],
    [ZPUB.replace("zpub", "ypub"), /native SegWit/],
    [`sh(wpkh(${XPUB}/0/*))`, /another kind/],
    [`wpkh(${XPUB}/0'/*)`, /hardened/],
    [`wpkh(${XPUB}/0/*)#89f8spxm`, /checksum/],
    [`wpkh(${XPUB}/0/*)#`, /checksum/],
    [`wpkh(${XPUB}/0/5)`, /must be/],
    [`wpkh(${XPUB})`, /must be/],
    [`wpkh(${XPUB}/4294967296/*)`, /out of range/],
    [ZPUB.slice(0, -1), /a key that can be read/],
    [ZPUB.replace("s7Z", "s8Z").replace("YZs", "YZt").replace("tZYs", "tZYt"), /a key that can be read/],
    ["abandon abandon about", /must be/],
    ["", /must be/],
  ];
  for (const [text, reason] of table) {
    const read = readAccount(text);
    assert(!read.ok, text);
    assertMatch(read.reason, reason);
    assert(text.length < 10 || !read.reason.includes(text.slice(0, 20)));
  }
});
