import { migrations } from "../../migrations/mod.ts";
import type { Clock } from "../clock.ts";
import { openDatabase } from "../db/open.ts";
import { NewerSchemaError, unknownMigrations } from "../db/migrator.ts";
import { errorText, type Log } from "../log.ts";
import { npub } from "../nostr/keys.ts";
import { RelayPool } from "../nostr/relay_pool.ts";
import { localSigner, type MerchantSigner } from "../nostr/signer.ts";
import { type EventCrypto, loadVerifier } from "../nostr/verify.ts";
import type { Random } from "../random.ts";
import type { Settings } from "../settings.ts";
import { keyPath, merchantKey } from "./merchant_key.ts";
import { walletOf } from "./wallets.ts";

/** Something that was looked at. */
export interface Finding {
  what: string;
  state: "ok" | "warning" | "problem";
  detail: string;
  /** What to do about it. */
  remedy?: string;
}

interface Patient {
  settings: Settings;
  clock: Clock;
  random: Random;
  log: Log;
}

const ANSWER_MS = 10_000;

/** Looks at everything that the shop needs. It changes nothing: what isn't there yet is not made. */
export async function diagnose(patient: Patient): Promise<Finding[]> {
  const crypto = await loadVerifier();
  const data = await lookAtData(patient);
  const { finding: key, signer } = await lookAtKey(patient, crypto);
  return [
    data,
    ...(data.state === "problem" ? [] : [await lookAtDatabase(patient)]),
    key,
    await lookAtPort(patient),
    ...await lookAtRelays(patient, crypto, signer),
    await lookAtWallet(patient, crypto),
    lookAtRates(patient),
    lookAtOwners(patient),
  ];
}

async function lookAtData({ settings, random }: Patient): Promise<Finding> {
  const path = settings.NCC_DATA_DIR;
  const what = "data";
  const probe = `${path}/.doctor-${random.uuid()}`;
  try {
    const info = await Deno.stat(path);
    if (!info.isDirectory) {
      return {
        what,
        state: "problem",
        detail: `${path} is no directory.`,
        remedy: "Set NCC_DATA_DIR to a directory.",
      };
    }
    await Deno.writeTextFile(probe, "", { mode: 0o600 });
    await Deno.remove(probe);
    if (info.mode !== null && (info.mode & 0o077) !== 0) {
      return {
        what,
        state: "warning",
        detail: `${path} can be read by others.`,
        remedy: `chmod 700 ${path}`,
      };
    }
    return { what, state: "ok", detail: `${path} can be written` };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return await lookAtParent(path);
    const remedy = error instanceof Deno.errors.NotCapable
      ? `This run may write only what --allow-write names: deno run … --allow-write=${path} main.ts start`
      : `Let this user write there: chown "$USER" ${path} (or set NCC_DATA_DIR to another place).`;
    return { what, state: "problem", detail: `${path} can't be written: ${errorText(error)}`, remedy };
  }
}

/** The directory is made at the first start: whether that will work. */
async function lookAtParent(path: string): Promise<Finding> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    await Deno.remove(path);
    return { what: "data", state: "ok", detail: `${path} isn't there yet; the first start makes it` };
  } catch (error) {
    return {
      what: "data",
      state: "problem",
      detail: `${path} can't be made: ${errorText(error)}`,
      remedy: "Make it by hand for this user, or set NCC_DATA_DIR to another place.",
    };
  }
}

async function lookAtDatabase({ settings }: Patient): Promise<Finding> {
  const what = "database";
  try {
    if (settings.NCC_DATABASE_URL === undefined) {
      try {
        await Deno.stat(`${settings.NCC_DATA_DIR}/ncc.db`);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) {
          return { what, state: "ok", detail: "SQLite, made by the first start" };
        }
        throw error;
      }
    }
    const database = await openDatabase(settings.NCC_DATABASE_URL ?? null, settings.NCC_DATA_DIR);
    try {
      const unknown = await unknownMigrations(database, migrations);
      if (unknown.length > 0) {
        throw new NewerSchemaError(`it has ${unknown.join(", ")}, which this version doesn't know`);
      }
      return { what, state: "ok", detail: database.dialect === "sqlite" ? "SQLite" : "PostgreSQL" };
    } finally {
      await database.close();
    }
  } catch (error) {
    const remedy = error instanceof NewerSchemaError
      ? "Install the version of ncc that wrote it, or restore the backup made before the upgrade."
      : settings.NCC_DATABASE_URL?.startsWith("postgres")
      ? "Is PostgreSQL running, and are host, user, password and database in NCC_DATABASE_URL right? Try them with psql."
      : "Is the disk full or the file damaged? Restore a backup from <data>/backups.";
    return { what, state: "problem", detail: errorText(error), remedy };
  }
}

async function lookAtKey(
  { settings, random }: Patient,
  crypto: EventCrypto,
): Promise<{ finding: Finding; signer: MerchantSigner | null }> {
  const what = "key";
  try {
    if (settings.NCC_KEY === undefined) {
      try {
        await Deno.stat(keyPath(settings.NCC_DATA_DIR));
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
        return {
          finding: { what, state: "ok", detail: "none yet; the first start makes one" },
          signer: null,
        };
      }
    }
    const { secretKey, pubkey, source } = await merchantKey(settings, random);
    const finding: Finding = settings.NCC_KEY !== undefined && source === "NCC_KEY"
      ? { what, state: "ok", detail: `${npub(pubkey)} from the settings` }
      : { what, state: "ok", detail: `${npub(pubkey)} from ${source}` };
    return { finding, signer: localSigner(secretKey, crypto, { random }) };
  } catch (error) {
    return {
      finding: {
        what,
        state: "problem",
        detail: errorText(error),
        remedy: "NCC_KEY takes an nsec or 64 hex characters.",
      },
      signer: null,
    };
  }
}

function lookAtPort({ settings }: Patient): Promise<Finding> {
  const { NCC_HOST: hostname, NCC_PORT: port } = settings;
  const what = "port";
  try {
    Deno.listen({ hostname, port }).close();
    return Promise.resolve({ what, state: "ok", detail: `${hostname}:${port} is free` });
  } catch (error) {
    const taken = error instanceof Deno.errors.AddrInUse;
    return Promise.resolve({
      what,
      state: "problem",
      detail: `${hostname}:${port} ${taken ? "is taken" : `can't be listened on: ${errorText(error)}`}`,
      remedy: taken
        ? "ncc may be running already (ncc status). Else stop who has it, or set NCC_PORT."
        : "Set NCC_HOST and NCC_PORT to an address of this machine and a port above 1023.",
    });
  }
}

async function lookAtRelays(
  { settings, clock, random, log }: Patient,
  crypto: EventCrypto,
  signer: MerchantSigner | null,
): Promise<Finding[]> {
  const urls = [...new Set([...settings.NCC_RELAYS, ...(settings.NCC_DM_RELAYS ?? [])])];
  if (urls.length === 0) {
    return [{
      what: "relays",
      state: "warning",
      detail: "none besides the built-in one",
      remedy: "Customers find the shop on relays they know: NCC_RELAYS=wss://…,wss://…",
    }];
  }
  const pool = new RelayPool({ signer, clock, random, log, verifier: crypto });
  try {
    const answers = await pool.queryEach(urls, [{ kinds: [10002], limit: 1 }], { timeoutMs: ANSWER_MS });
    return answers.map((answer): Finding =>
      answer.ok ? { what: "relay", state: "ok", detail: `${answer.url} answers` } : {
        what: "relay",
        state: "problem",
        detail: `${answer.url} doesn't answer: ${answer.reason}`,
        remedy: "Check its address, or take it out of NCC_RELAYS. The shop works on without it.",
      }
    );
  } finally {
    await pool.close();
  }
}

async function lookAtWallet(
  { settings, clock, random, log }: Patient,
  crypto: EventCrypto,
): Promise<Finding> {
  const what = "wallet";
  const url = settings.NCC_WALLET;
  if (url === undefined) {
    return {
      what,
      state: "warning",
      detail: 'none: orders are answered "can\'t take payments yet"',
      remedy:
        "Set NCC_WALLET, for example to a nostr+walletconnect:// URL of your wallet that may make and look up invoices.",
    };
  }
  try {
    const wallet = walletOf(url, { clock, random, log, crypto, dataDir: settings.NCC_DATA_DIR });
    try {
      const info = await wallet.probe(AbortSignal.timeout(ANSWER_MS));
      return {
        what,
        state: "ok",
        detail: `${wallet.describe()} answers${info.alias ? ` as ${info.alias}` : ""}`,
      };
    } finally {
      await wallet.close();
    }
  } catch (error) {
    return {
      what,
      state: "problem",
      detail: errorText(error),
      remedy:
        "Is the connection still valid, its relay up, and allowed to make and look up invoices? Make a new one in the wallet if not.",
    };
  }
}

function lookAtRates({ settings }: Patient): Finding {
  return settings.NCC_RATES === undefined
    ? {
      what: "rates",
      state: "warning",
      detail: "none: only prices in sats can be ordered",
      remedy: "NCC_RATES=fixed:EUR=90000",
    }
    : {
      what: "rates",
      state: "warning",
      detail: "fixed: they don't follow the market",
      remedy: "Keep NCC_RATES up to date by hand.",
    };
}

function lookAtOwners({ settings }: Patient): Finding {
  return settings.NCC_OWNERS.length > 0
    ? { what: "owners", state: "ok", detail: `${settings.NCC_OWNERS.length} may administer by NIP-98` }
    : { what: "owners", state: "ok", detail: "none: the admin token alone administers" };
}
