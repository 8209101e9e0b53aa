import type { Command } from "commander";
import { exportEncrypted, npub } from "../nostr/keys.ts";
import { merchantKey } from "../app/merchant_key.ts";
import { systemRandom } from "../random.ts";
import type { Shell } from "./shell.ts";
import { CommandError } from "./terminal.ts";

/** `ncc key …`: the merchant's key, never in the clear. */
export function keyCommands(program: Command, shell: Shell): void {
  const key = program.command("key").description("the merchant's key");
  key.command("show").description("its public side").action(async () => {
    const { pubkey, source } = await merchantKey(shell.settings(), systemRandom);
    shell.show({ pubkey, npub: npub(pubkey), source }, () => `${npub(pubkey)}\n${pubkey}\nfrom ${source}`);
  });
  key.command("export").description("the secret key under a passphrase (NIP-49)")
    .requiredOption("--encrypted", "the only way it leaves")
    .option("--passphrase-file <path>", "where the passphrase stands; else you are asked")
    .action(async (o: { passphraseFile?: string }) => {
      const passphrase = o.passphraseFile === undefined
        ? shell.world.ask("Passphrase for the exported key:")
        : shell.readFile(o.passphraseFile).trim();
      if (!passphrase) {
        throw new CommandError("A passphrase is needed: --passphrase-file, or type one when asked.", 2);
      }
      const { secretKey } = await merchantKey(shell.settings(), systemRandom);
      const ncryptsec = exportEncrypted(secretKey, passphrase);
      shell.show({ ncryptsec }, () => ncryptsec);
    });
}
