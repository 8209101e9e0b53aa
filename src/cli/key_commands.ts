import type { Command } from "commander";
import { getPublicKey } from "nostr-tools/pure";
import { encryptKeyFile } from "../app/key_file.ts";
import { knownBunker } from "../app/known_bunker.ts";
import { findKey, type FoundKey } from "../app/merchant_key.ts";
import { hasKey } from "../app/set_up.ts";
import { systemClock } from "../clock.ts";
import { exportEncrypted, npub } from "../nostr/keys.ts";
import { loadVerifier } from "../nostr/verify.ts";
import { systemRandom } from "../random.ts";
import { keyChangeCommand } from "./key_change_command.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit } from "./terminal.ts";

/** `ncc key …`: the merchant's key, never in the clear. */
export function keyCommands(program: Command, shell: Shell): void {
  const key = program.command("key").description("the merchant's key");
  key.command("show").description("its public side, and where it is").action(async () => {
    const found = await presentKey(shell);
    const pubkey = await publicKeyOf(found, shell);
    const source = found.key.type === "bunker"
      ? `the remote signer that ${found.source} names`
      : found.source;
    shell.show({ pubkey, npub: npub(pubkey), source }, () => `${npub(pubkey)}\n${pubkey}\nfrom ${source}`);
  });
  key.command("export").description("the secret key under a passphrase (NIP-49)")
    .requiredOption("--encrypted", "the only way it leaves")
    .option("--passphrase-file <path>", "where the passphrase stands; else you are asked")
    .action(async (o: { passphraseFile?: string }) => {
      const secretKey = secretOf(await presentKey(shell));
      const ncryptsec = exportEncrypted(secretKey, passphraseFrom(shell, o.passphraseFile, "exported"));
      shell.show({ ncryptsec }, () => ncryptsec);
    });
  key.command("encrypt").description("puts the key file in the data directory under a passphrase (NIP-49)")
    .option("--passphrase-file <path>", "where the passphrase stands; else you are asked")
    .action(async (o: { passphraseFile?: string }) => {
      const { source } = await presentKey(shell);
      if (source === "NCC_KEY") {
        throw new CommandError(
          "The key is in NCC_KEY, not in the data directory. Put what `ncc key export --encrypted` gives there instead.",
        );
      }
      const passphrase = passphraseFrom(shell, o.passphraseFile, "key file");
      await encryptKeyFile(source, passphrase, systemRandom);
      const next = `NCC_KEY_PASSPHRASE_FILE=${o.passphraseFile ?? "/path/to/a/file/with/the/passphrase"}`;
      shell.show({ file: source, next }, () =>
        [
          `${source} is encrypted now. Without the passphrase nobody can use it, you included.`,
          `Next: set ${next} before the next start.`,
        ].join("\n"));
    });
  keyChangeCommand(key, shell);
}

/** The key as it is; a look makes none. */
async function presentKey(shell: Shell): Promise<FoundKey> {
  const settings = shell.settings();
  if (!await hasKey(settings)) {
    throw new CommandError(
      `There is no key in ${settings.NCC_DATA_DIR} yet. \`ncc init\` or the first \`ncc start\` makes one, or set NCC_KEY.`,
    );
  }
  return await findKey(settings, systemRandom);
}

function secretOf({ key }: FoundKey): Uint8Array {
  if (key.type === "secret") return key.secretKey;
  throw new CommandError("The key lies in a remote signer (bunker://…): only that can export it.");
}

async function publicKeyOf({ key }: FoundKey, shell: Shell): Promise<string> {
  if (key.type === "secret") return getPublicKey(key.secretKey);
  const known = await knownBunker(key.bunker, {
    settings: shell.settings(),
    crypto: await loadVerifier(),
    clock: systemClock,
    random: systemRandom,
    log: shell.log("error"),
  });
  if (known) return known.pubkey;
  throw new CommandError("The key lies in a remote signer that wasn't connected yet: `ncc start` does that.");
}

/** A passphrase as the settings will read it: they take off white space around it. */
function passphraseFrom(shell: Shell, file: string | undefined, what: string): string {
  const passphrase = file === undefined ? askTwice(shell, what) : shell.readFile(file).replace(/\r?\n$/, "");
  if (passphrase === "") throw new CommandError("The passphrase is empty: it would protect nothing.");
  if (passphrase !== passphrase.trim()) {
    throw new CommandError(
      "The passphrase begins or ends with white space, which gets lost in settings. Take it off.",
    );
  }
  return passphrase;
}

function askTwice(shell: Shell, what: string): string {
  const { world } = shell;
  const passphrase = world.askSecret(`Passphrase for the ${what === "exported" ? "exported key" : what}:`);
  if (passphrase === null) {
    throw new CommandError(
      "No passphrase was typed; nothing was done. Where nobody can be asked, give --passphrase-file.",
      exit.usage,
    );
  }
  if (passphrase !== world.askSecret("The same again:")) {
    throw new CommandError("The passphrases differ. Nothing was done.");
  }
  return passphrase;
}
