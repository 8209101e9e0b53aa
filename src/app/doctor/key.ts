import { getPublicKey } from "nostr-tools/pure";
import { errorText } from "../../log.ts";
import type { BunkerUrl } from "../../nostr/bunker/bunker_url.ts";
import { BunkerConnection } from "../../nostr/bunker/connection.ts";
import { examine, type Examined } from "../../nostr/bunker/examine.ts";
import { npub, parsePublicKey } from "../../nostr/keys.ts";
import { localSigner, type MerchantSigner, SignerUnavailableError } from "../../nostr/signer.ts";
import type { EventCrypto } from "../../nostr/verify.ts";
import { knownBunker } from "../known_bunker.ts";
import { findKey } from "../merchant_key.ts";
import { UNTOLD_OWNER, untoldOwners } from "../owners.ts";
import { hasKey } from "../set_up.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

const WORDS_MOST = 80;

/**
 * The merchant's key, and a signer with it for those relays that ask who reads (none where the key lies elsewhere). No key is
 * made, and a remote signer that wasn't connected yet stays so: its address works once.
 */
export async function lookAtKey(
  patient: Patient,
  crypto: EventCrypto,
): Promise<{ finding: Finding; signer: MerchantSigner | null }> {
  const { settings, random } = patient;
  const what = "key";
  try {
    if (!await hasKey(settings)) {
      return { finding: well(what, "none yet; the first start makes one"), signer: null };
    }
    const { key, source } = await findKey(settings, random);
    if (key.type === "bunker") {
      return { finding: await lookAtBunker(patient, crypto, key.bunker), signer: null };
    }
    return {
      finding: well(what, `${npub(getPublicKey(key.secretKey))} from ${source}`),
      signer: localSigner(key.secretKey, crypto, { random }),
    };
  } catch (error) {
    const remedy = settings.NCC_KEY === undefined
      ? "Put the right key file back from your backup (ncc key export makes one), or mend NCC_KEY_PASSPHRASE_FILE."
      : "Set NCC_KEY to the shop's nsec, 64 hex characters, ncryptsec (with NCC_KEY_PASSPHRASE_FILE) or bunker://…";
    return { finding: problem(what, errorText(error), remedy), signer: null };
  }
}

/** The remote signer: whether it answers, holds the key that it held, and does all that a shop needs. */
async function lookAtBunker(patient: Patient, crypto: EventCrypto, bunker: BunkerUrl): Promise<Finding> {
  const what = "key";
  const known = await knownBunker(bunker, { ...patient, crypto });
  if (known === null) {
    return well(what, "in a remote signer that isn't connected yet; the first start does that");
  }
  const connection = new BunkerConnection({ ...patient, crypto, bunker, clientKey: known.clientKey });
  try {
    return judge(await examine(connection, { ...patient, crypto }), known.pubkey);
  } catch (error) {
    if (connection.authUrl !== null) {
      return problem(what, "the remote signer wants your approval", `Open ${connection.authUrl}`);
    }
    const why = connection.relayError() ?? errorText(error);
    if (error instanceof SignerUnavailableError) {
      return problem(
        what,
        `${npub(known.pubkey)}, but its remote signer doesn't answer: ${why}`,
        "Wake the signer. Until then orders wait, and none is lost.",
      );
    }
    return problem(
      what,
      `the remote signer refuses: ${shown(errorText(error))}`,
      "Let this shop in again there, or make a new bunker:// address and set NCC_KEY to it.",
    );
  } finally {
    await connection.close();
  }
}

function judge({ ms, pubkey, lacks }: Examined, expected: string): Finding {
  const what = "key";
  if (pubkey !== expected) {
    return problem(
      what,
      `the remote signer holds ${npub(pubkey)} now, and the shop is ${npub(expected)}`,
      "Choose the shop's key again in the signer. To move the shop to another key: ncc key change.",
    );
  }
  if (lacks.length === 0) return well(what, `${npub(pubkey)} via a remote signer, which answers in ${ms} ms`);
  const methods = lacks.map(({ method, words }) => `${method} (${shown(words)})`).join(", ");
  const direct = lacks.some(({ method }) => method.startsWith("nip04"));
  const tell = lacks.some(({ method }) => method === "sign_event") ? problem : warning;
  return tell(
    what,
    `${npub(pubkey)}: its remote signer doesn't do ${methods}`,
    `Allow it there. ${
      direct
        ? "Without nip04_* the usual direct messages (kind 4) can't be read or answered"
        : "Until then what needs it waits"
    }; if the signer can't, use another one.`,
  );
}

/** A foreign program's words. */
function shown(words: string): string {
  return words.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, " ").slice(0, WORDS_MOST);
}

/** Who may administer by NIP-98, and is told what happens; `own`: the shop's public key, where it is known. */
export function lookAtOwners({ settings }: Patient, own: string | null): Finding {
  const what = "owners";
  for (const owner of settings.NCC_OWNERS) {
    const key = parsePublicKey(owner);
    if (!key.ok) return problem(what, `${owner}: ${key.reason}`, "Copy your npub to NCC_OWNERS again.");
  }
  if (own !== null && untoldOwners(settings, new Set([own])).length > 0) {
    return warning(what, "the shop's own key is among them", UNTOLD_OWNER);
  }
  return settings.NCC_OWNERS.length > 0
    ? well(what, `${settings.NCC_OWNERS.length} may administer by NIP-98`)
    : well(what, "none: the admin token alone administers");
}
