import type { Command } from "commander";
import { type MerchantKey, merchantKey } from "../app/merchant_key.ts";
import { hasKey } from "../app/set_up.ts";
import { exportEncrypted, npub } from "../nostr/keys.ts";
import { systemRandom } from "../random.ts";
import type { Shell } from "./shell.ts";
import { CommandError, exit } from "./terminal.ts";

/** `ncc key …`: the merchant's key, never in the clear. */
export function keyCommands(program: Command, shell: Shell): void {
  const key = program.command("key").description("the merchant's key");
  key.command("show").description("its public side, and where it is").action(async () => {
    const { pubkey, source } = await presentKey(shell);
    shell.show({ pubkey, npub: npub(pubkey), source }, () => `${npub(pubkey)}\n${pubkey}\nfrom ${source}`);
  });
  key.command("export").description("the secret key under a passphrase (NIP-49)")
    .requiredOption("--encrypted", "the only way it leaves")
    .option("--passphrase-file <path>", "where the passphrase stands; else you are asked")
    .action(async (o: { passphraseFile?: string }) => {
      const { secretKey } = await presentKey(shell);
      const passphrase = o.passphraseFile === undefined
        ? askTwice(shell)
        : shell.readFile(o.passphraseFile).replace(/\r?\n$/, "");
      if (passphrase === "") throw new CommandError("The passphrase is empty: it would protect nothing.");
      const ncryptsec = exportEncrypted(secretKey, passphrase);
      shell.show({ ncryptsec }, () => ncryptsec);
    });
}

/** The key as it is; a look makes none. */
async function presentKey(shell: Shell): Promise<MerchantKey> {
  const settings = shell.settings();
  if (!await hasKey(settings)) {
    throw new CommandError(
      `There is no key in ${settings.NCC_DATA_DIR} yet. \`ncc init\` or the first \`ncc start\` makes one, or set NCC_KEY.`,
    );
  }
  return await merchantKey(settings, systemRandom);
}

function askTwice(shell: Shell): string {
  const { world } = shell;
  const passphrase = world.askSecret("Passphrase for the exported key:");
  if (passphrase === null) {
    throw new CommandError(
      "No passphrase was typed; nothing was exported. Where nobody can be asked, give --passphrase-file.",
      exit.usage,
    );
  }
  if (passphrase !== world.askSecret("The same again:")) {
    throw new CommandError("The passphrases differ. Nothing was exported.");
  }
  return passphrase;
}
