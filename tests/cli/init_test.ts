import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { npubEncode, nsecEncode } from "nostr-tools/nip19";
import { exists, ncc, place } from "./cli.ts";

Deno.test("init asks, checks, and makes the shop: settings 0600, key, database, name", async () => {
  await using p = await place();
  const { environment } = p;
  const key = generateSecretKey();
  const owner = npubEncode(getPublicKey(generateSecretKey()));
  const answers = ["Tea house", nsecEncode(key), "", "demo:", "ws://127.0.0.1:9", owner, "fixed:EUR=90000"];
  const { code, out, err } = await ncc(["init"], { environment, answers });
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, npubEncode(getPublicKey(key)));
  assert(!out.includes("nsec1"));
  const file = await Deno.stat(`${p.data}/ncc.env`);
  assertEquals(file.mode! & 0o777, 0o600);
  assertEquals((await Deno.stat(p.data)).mode! & 0o777, 0o700);
  const shown = (await ncc(["key", "show", "--json"], { environment })).json() as {
    pubkey: string;
    source: string;
  };
  assertEquals([shown.pubkey, shown.source], [getPublicKey(key), "NCC_KEY"]);
  const doctor = (await ncc(["doctor", "--json"], { environment })).json() as {
    findings: { what: string; detail: string }[];
  };
  const detail = (what: string) => doctor.findings.find((one) => one.what === what)?.detail ?? "";
  assertStringIncludes(detail("wallet"), "demo wallet");
  assertStringIncludes(detail("relay"), "127.0.0.1:9");
  assertStringIncludes(detail("owners"), "1 may");
});

Deno.test("each question is a flag; --yes leaves the rest empty; what is there isn't replaced without --force", async () => {
  await using p = await place();
  const { environment } = p;
  const first = await ncc(["init", "--yes", "--wallet", "demo:", "--json"], { environment });
  assertEquals(first.code, 0, first.err);
  const made = first.json() as { settings: string[]; npub: string };
  assertEquals(made.settings, ["NCC_WALLET"]);
  const again = await ncc(["init", "--yes"], { environment });
  assertEquals(again.code, 1);
  assertStringIncludes(again.err, "--force");
  const forced = (await ncc(["init", "--yes", "--force", "--json"], { environment })).json() as typeof made;
  assertEquals([forced.settings, forced.npub], [[], made.npub]);
});

Deno.test("wrong answers are all told at once, and nothing is written", async () => {
  await using p = await place();
  const { environment } = p;
  const args = [
    "--key",
    "nsec1canary",
    "--wallet",
    "canary",
    "--relays",
    "http://x",
    "--owner",
    "me",
    "--rates",
    "1",
  ];
  const { code, err } = await ncc(["init", "--yes", ...args], { environment });
  assertEquals(code, 78);
  for (
    const part of [
      "5 problems",
      "NCC_KEY",
      "NCC_WALLET",
      "NCC_RELAYS",
      "NCC_OWNERS",
      "NCC_RATES",
      "Nothing was written",
    ]
  ) {
    assertStringIncludes(err, part);
  }
  assert(!err.includes("canary"));
  assertEquals(await exists(p.data), false);
});

Deno.test("where nobody can be asked, init says so and writes nothing", async () => {
  await using p = await place();
  const { environment } = p;
  const { code, err } = await ncc(["init", "--name", "Tea"], { environment });
  assertEquals(code, 2);
  assertStringIncludes(err, "--yes");
  assertEquals(await exists(p.data), false);
});
