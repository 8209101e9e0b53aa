import { assert, assertEquals } from "@std/assert";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { nsecEncode } from "nostr-tools/nip19";
import { App } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { systemRandom } from "../../src/random.ts";
import { readSettings } from "../../src/settings_reader.ts";
import { Bunker } from "../support/bunker.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { recordingLog } from "../support/log.ts";

/** Which of the secrets stand in the clear in a file, as text or as bytes. */
async function found(path: string, secrets: Record<string, string>): Promise<string[]> {
  const file = await Deno.readFile(path);
  const text = new TextDecoder("latin1").decode(file);
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const forms = [secret, btoa(secret).replace(/=+$/, "")];
    if (/^[0-9a-f]{64}$/.test(secret)) forms.push(String.fromCharCode(...hexToBytes(secret)));
    return forms.some((form) => text.includes(form)) ? [`${name} in ${path}`] : [];
  });
}

Deno.test("no key, no wallet's secret and no signer's secret stands readable in the database, its WAL or the log", async () => {
  const dir = await Deno.makeTempDir({ prefix: "ncc-sealed-" });
  const socket = globalThis.WebSocket;
  const { log, lines } = recordingLog();
  await using relay = await FakeRelay.start();
  await using bunker = await Bunker.start(relay.url, { secret: "canary-of-the-signer" });
  const [key, walletSecret, otherSecret] = [generateSecretKey(), generateSecretKey(), generateSecretKey()];
  const walletOf = (secret: Uint8Array) =>
    `nostr+walletconnect://${getPublicKey(generateSecretKey())}?relay=ws%3A%2F%2F127.0.0.1%3A9&secret=${
      bytesToHex(secret)
    }`;
  const read = readSettings({
    NCC_DATA_DIR: dir,
    NCC_KEY: bunker.url,
    NCC_WALLET: walletOf(otherSecret),
    NCC_LOG: "debug",
  }, () => "");
  assert(read.ok);
  const app = await App.open({ settings: read.settings, clock: systemClock, random: systemRandom, log });
  try {
    const made = await app.fetch(
      new Request("http://127.0.0.1:8787/api/v1/merchants", {
        method: "POST",
        headers: {
          authorization: `Bearer ${app.adminToken}`,
          "content-type": "application/json",
          "idempotency-key": "once",
        },
        body: JSON.stringify({ name: "second", secret_key: nsecEncode(key), wallet: walletOf(walletSecret) }),
      }),
    );
    assertEquals(made.status, 201);
    const box = await SecretBox.loadOrCreate(`${dir}/master.key`, systemRandom);
    const sealed = await app.database.kysely.selectFrom("secrets").selectAll().execute();
    const opened = sealed.map((row) => box.open(row.sealed, `${row.merchant}:${row.name}`));
    const secrets: Record<string, string> = {
      "the key, hex": bytesToHex(key),
      "the key, nsec": nsecEncode(key),
      "the wallet's secret": bytesToHex(walletSecret),
      "the first wallet's secret": bytesToHex(otherSecret),
      "the signer's secret": "canary-of-the-signer",
      "the admin token": app.adminToken,
      "the master key": (await Deno.readTextFile(`${dir}/master.key`)).trim(),
    };
    opened.forEach((plain, i) => secrets[`the sealed secret ${sealed[i]!.name}`] = plain);
    // The client's key, the second merchant's key and its wallet.
    assertEquals(sealed.map((row) => row.name).sort(), ["bunker_client", "key", "wallet"]);
    const files = ["ncc.db", "ncc.db-wal"];
    for (const file of files) assert((await Deno.stat(`${dir}/${file}`)).size > 0, `${file} is empty`);
    assertEquals((await Promise.all(files.map((file) => found(`${dir}/${file}`, secrets)))).flat(), []);
    await Deno.writeTextFile(`${dir}/log`, JSON.stringify(lines));
    assertEquals(await found(`${dir}/log`, secrets), []);
    // The search itself finds what is there.
    assertEquals(await found(`${dir}/master.key`, secrets), [`the master key in ${dir}/master.key`]);
  } finally {
    await app.close();
    globalThis.WebSocket = socket;
    await Deno.remove(dir, { recursive: true });
  }
});
