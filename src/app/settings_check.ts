import { alertKinds } from "../alert.ts";
import { encryptedKeyProblem, isEncrypted, parseKey, parsePublicKey } from "../nostr/keys.ts";
import { readRatesChoice, sourceNames } from "../money/rates_choice.ts";
import { unknownKind } from "../notifications/kinds.ts";
import { readAccount } from "../payments/chain/account.ts";
import { readServer } from "../payments/chain/server_address.ts";
import { checkWalletUrl } from "../payments/wallet_url.ts";
import type { SettingKey } from "../settings.ts";
import { nearest } from "../settings_reader.ts";
import { networkProblem } from "./trusted_proxies.ts";

/** What is wrong with a setting whose form is right: a key's checksum, a wallet's scheme. No secret is quoted. */
export function judgeSetting(key: SettingKey, value: unknown): string | null {
  switch (key) {
    case "NCC_KEY": {
      // Opening it takes time and its passphrase: here only its form is looked at.
      if (isEncrypted(value as string)) return encryptedKeyProblem(value as string);
      const read = parseKey(value as string, null);
      return read.ok ? null : read.reason;
    }
    case "NCC_WALLET":
    case "NCC_WALLET_SPEND": {
      const read = checkWalletUrl(value as string);
      return read.ok ? null : read.reason;
    }
    case "NCC_BTC": {
      const read = readAccount(value as string);
      return read.ok ? null : read.reason;
    }
    case "NCC_BTC_SERVERS":
      for (const server of value as string[]) {
        const read = readServer(server);
        if (!read.ok) return `contains ${JSON.stringify(server)}, which ${read.reason}`;
      }
      return null;
    case "NCC_RATES": {
      const read = readRatesChoice(value as string);
      if (read.ok) return null;
      const near = read.word === undefined ? null : nearest(read.word, [...sourceNames]);
      return near === null ? read.reason : `${read.reason} Did you mean ${near}?`;
    }
    case "NCC_TRUSTED_PROXIES":
      return (value as string[]).map(networkProblem).find((problem) => problem !== null) ?? null;
    case "NCC_OWNERS": {
      for (const owner of value as string[]) {
        const read = parsePublicKey(owner);
        if (!read.ok) return `${owner}: ${read.reason}`;
      }
      return null;
    }
    case "NCC_NOTIFY": {
      const unknown = unknownKind(value as string[]);
      if (unknown === null) return null;
      const near = nearest(unknown.replace(/^-/, ""), ["all", ...alertKinds]);
      return `contains ${JSON.stringify(unknown)}, which is no kind of news.${
        near === null ? "" : ` Did you mean ${near}?`
      } There are: ${alertKinds.join(", ")}.`;
    }
    default:
      return null;
  }
}
