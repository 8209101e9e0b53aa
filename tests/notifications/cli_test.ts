import { assertEquals, assertStringIncludes } from "@std/assert";
import { npub } from "../../src/nostr/keys.ts";
import { ncc, place } from "../cli/cli.ts";
import { keyPair } from "../support/keys.ts";
import { bytesToHex } from "@noble/hashes/utils.js";

Deno.test("ncc merchant pauses and resumes, names who is served and who isn't", async () => {
  await using p = await place();
  assertEquals((await ncc(["init", "--yes", "--name", "Tea", "--wallet", "demo:"], p)).err, "");
  const { json } = await ncc(["merchant", "list", "--json"], p);
  const [merchant] = json() as { npub: string; state: string; halted: string | null }[];
  assertEquals([merchant!.state, merchant!.halted], ["active", null]);
  const paused = await ncc(["merchant", "pause", "--message", "Back on Monday", "--json"], p);
  assertEquals((paused.json() as { pause_message: string }).pause_message, "Back on Monday");
  const resumed = await ncc(["merchant", "resume", merchant!.npub], p);
  assertEquals(resumed.code, 0);
  const unknown = await ncc(["merchant", "resume", npub(keyPair("nobody").pubkey)], p);
  assertEquals(unknown.code !== 0, true);
  assertStringIncludes(unknown.err, "ncc merchant list");
});

Deno.test("the doctor says that the shop's own key is told nothing", async () => {
  await using p = await place();
  const { secretKey, pubkey } = keyPair("merchant");
  const environment = { ...p.environment, NCC_KEY: bytesToHex(secretKey), NCC_OWNERS: pubkey };
  const { json } = await ncc(["doctor", "--json"], { environment });
  const { findings } = json() as { findings: { what: string; state: string; remedy?: string }[] };
  const owners = findings.find((one) => one.what === "owners")!;
  assertEquals(owners.state, "warning");
  assertStringIncludes(owners.remedy!, "personal npub");
});
