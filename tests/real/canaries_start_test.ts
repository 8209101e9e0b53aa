import { assert } from "@std/assert";
import { generateSecretKey } from "nostr-tools/pure";
import * as nip19 from "nostr-tools/nip19";
import * as nip49 from "nostr-tools/nip49";
import { freePort, NccProcess } from "../support/ncc_process.ts";
import { absent, canary, PASSPHRASE } from "./canary_scene.ts";

Deno.test("a start that fails shows no secret", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "ncc-test-" });
  const nsec = nip19.nsecEncode(generateSecretKey());
  const wrong: Record<string, string>[] = [
    { NCC_KEY: `${nsec}q` },
    { NCC_KEY: nip49.encrypt(generateSecretKey(), "right", 10), NCC_KEY_PASSPHRASE: PASSPHRASE },
    { NCC_WALLET: `nostr+walletconnect://nobody?secret=${canary("wallet")}` },
    { NCC_WALLET: `bitcoin:${canary("wallet")}` },
    { NCC_DATABASE_URL: `postgres://ncc:${canary("password")}@127.0.0.1:1/ncc` },
    { NCC_ADMIN_TOKEN: "canarytoken" },
  ];
  try {
    for (const settings of wrong) {
      const ncc = new NccProcess({ dataDir, port: freePort(), settings });
      assert(await ncc.ended() !== 0);
    }
    const text = await Deno.readTextFile(`${dataDir}/test.log`);
    assert(text.includes("✗"), text);
    absent([nsec, PASSPHRASE, canary("wallet"), canary("password"), "canarytoken"], text, "the output");
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
