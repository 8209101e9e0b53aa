import { type Clock, seconds } from "../../clock.ts";
import type { Random } from "../../random.ts";
import type { KeyCrypto, Verifier } from "../event_crypto.ts";
import type { BunkerConnection } from "./connection.ts";
import type { BunkerMethod } from "./messages.ts";
import { stranger } from "./proof.ts";
import { BunkerRefusal } from "./requests.ts";
import { readSigned } from "./signed.ts";

const PATIENCE = { ms: 10_000 };
const AUTH_KIND = 22242;

/** What a remote signer does for us, tried out: nothing is published. */
export interface Examined {
  /** How long it took to say which key it holds. */
  ms: number;
  /** The key that it holds now. */
  pubkey: string;
  /** What it should do and doesn't, with its own words. */
  lacks: { method: BunkerMethod; words: string }[];
}

/** Tries everything that a shop needs of its signer. Throws `SignerUnavailableError` when it doesn't answer at all. */
export async function examine(
  connection: BunkerConnection,
  o: { crypto: KeyCrypto & Verifier; random: Random; clock: Clock },
): Promise<Examined> {
  const { crypto, random, clock } = o;
  const began = clock.monotonic();
  const pubkey = await connection.publicKey(PATIENCE);
  const ms = Math.round(clock.monotonic() - began);
  const { peer, text } = stranger(crypto, random);
  const ask = (method: BunkerMethod, ...params: string[]) =>
    connection.answer(connection.begin(method, params), PATIENCE);
  const template = { kind: AUTH_KIND, created_at: seconds(clock.now()), tags: [], content: "" };
  const tries: [BunkerMethod, () => Promise<boolean>][] = [
    [
      "sign_event",
      async () => readSigned(await ask("sign_event", JSON.stringify(template)), template, pubkey, crypto).ok,
    ],
    ...(["nip04", "nip44"] as const).flatMap((cipher): [BunkerMethod, () => Promise<boolean>][] => [
      [`${cipher}_encrypt`, async () => {
        return await peer[cipher].decrypt(pubkey, await ask(`${cipher}_encrypt`, peer.pubkey, text)) === text;
      }],
      [`${cipher}_decrypt`, async () => {
        return await ask(`${cipher}_decrypt`, peer.pubkey, await peer[cipher].encrypt(pubkey, text)) === text;
      }],
    ]),
  ];
  const lacks: Examined["lacks"] = [];
  for (const [method, works] of tries) {
    try {
      if (!await works()) lacks.push({ method, words: "what it returns is wrong" });
    } catch (error) {
      // No answer, a refusal, or a payload that can't be read: each means that it doesn't do this.
      lacks.push({
        method,
        words: error instanceof BunkerRefusal ? error.message : (error as Error).message,
      });
    }
  }
  return { ms, pubkey, lacks };
}
