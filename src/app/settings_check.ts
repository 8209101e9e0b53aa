import { parsePublicKey, parseSecretKey } from "../nostr/keys.ts";
import { checkWalletUrl } from "../payments/wallet_url.ts";
import type { SettingKey } from "../settings.ts";

/** What is wrong with a setting whose form is right: a key's checksum, a wallet's scheme. No secret is quoted. */
export function judgeSetting(key: SettingKey, value: unknown): string | null {
  switch (key) {
    case "NCC_KEY": {
      const read = parseSecretKey(value as string);
      return read.ok ? null : read.reason;
    }
    case "NCC_WALLET": {
      const read = checkWalletUrl(value as string);
      return read.ok ? null : read.reason;
    }
    case "NCC_OWNERS": {
      for (const owner of value as string[]) {
        const read = parsePublicKey(owner);
        if (!read.ok) return `${owner}: ${read.reason}`;
      }
      return null;
    }
    default:
      return null;
  }
}
