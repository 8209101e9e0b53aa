import type { NostrEvent } from "@nostrify/types";
import type { MerchantRegistry } from "../app/merchant_registry.ts";
import type { MedusaBridge } from "../app/medusa.ts";
import type { Health } from "../app/health.ts";
import type { RestoreDesk } from "../app/restore_report.ts";
import type { WalletHooks } from "../app/wallet_hooks.ts";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import type { Log } from "../log.ts";
import type { SecretBox } from "../nostr/sealed_secrets.ts";
import type { Verifier } from "../nostr/verify.ts";
import type { Terms } from "../orders/terms.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import type { Access } from "./access.ts";
import type { RelayServer } from "../relay/relay_server.ts";

/** What the API stands on. */
export interface ApiParts {
  database: Database;
  clock: Clock;
  random: Random;
  log: Log;
  verifier: Verifier;
  merchants: MerchantRegistry;
  relay: RelayServer;
  adminToken: string;
  /** Keys (hex) that may administer by NIP-98. */
  owners: ReadonlySet<string>;
  /** URL under which we are reached, without a slash at the end. */
  baseUrl(): string;
  /** Host names that a request may carry. */
  hosts(): ReadonlySet<string>;
  /** Why this wallet URL can't be used with the settings as they are; null when it can. */
  walletRefusal(url: string): string | null;
  /** What backups need to know: where the data is, how many are kept. */
  settings: Pick<Settings, "NCC_DATA_DIR" | "NCC_DATABASE_URL" | "NCC_BACKUPS_KEEP">;
  /** Seals answers that are kept for repeats: they may show customers' data. What calls to tills are signed by follows from it. */
  secrets: Pick<SecretBox, "seal" | "open" | "derive">;
  restore: RestoreDesk;
  /** The terms that a merchant's orders are taken on, as of now. */
  termsOf(merchant: string): Terms;
  /** The first merchant's Medusa; null where there is none. */
  medusa: Pick<MedusaBridge, "merchant" | "look" | "hook"> | null;
  /** What providers of wallets call. */
  hooks: WalletHooks;
  health(): Promise<Health>;
  metrics(): Promise<string>;
}

/** What the server knows of a request beside it, and Hono's variables. */
export type ApiEnv = {
  Bindings: { address?: string };
  Variables: {
    requestId: string;
    actor: string;
    /** Set by `authenticate`. */
    access: Access;
    nip98: NostrEvent | undefined;
  };
};
