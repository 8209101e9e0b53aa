import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { setImmediate } from "node:timers";
import type { Database } from "../db/database.ts";
import { cleanText } from "../dialects/clean_text.ts";
import { catchUp, type CaughtUp } from "../nostr/catch_up.ts";
import { openEnvelope } from "../nostr/envelope.ts";
import { EventStore } from "../nostr/event_store.ts";
import type { NostrIdentity } from "../nostr/identity.ts";
import { takeOverTime } from "../nostr/key_clock.ts";
import { openOwn } from "../nostr/own_message.ts";
import type { Verifier } from "../nostr/verify.ts";
import { addSaid, type SaidBefore } from "../orders/said_before_store.ts";
import { addMessage, hasMessage, type MessageRow } from "./messages_store.ts";
import { type Statement, statementOf } from "./statements.ts";

/** A page of a relay that is slow still counts. */
const ANSWER_MS = 20_000;
/** NIP-59: a wrap is dated up to two days back. */
const BACKDATED_SECONDS = 2 * 24 * 3600 + 600;
/** Envelopes opened before others get a turn. */
const TURN = 8;

/** What reading takes. */
export interface OwnWordsParts {
  database: Database;
  verifier: Verifier;
  /** The merchants' own people: what they were told is no conversation with a customer. */
  owners: ReadonlySet<string>;
}

/** What one relay had. */
export interface ReadBackWords {
  /** Messages of our key, and how many of them are new to us. */
  messages: number;
  fresh: number;
  /** Seconds that may hold more than the relay gives out. */
  hidden: number;
}

interface OwnWord {
  said: SaidBefore;
  content: string;
  envelope: MessageRow["envelope"];
}

/**
 * Reads from one relay (null: the built-in one) what the merchant's key has said since `since` (seconds): direct messages
 * that it wrote, and the copies of its gift wraps that it sent to itself. They are kept with the conversations and as what was
 * said before. Throws when the relay can't be read, or the signer can't be asked.
 */
export async function readOwnWords(
  parts: OwnWordsParts,
  identity: NostrIdentity,
  relay: string | null,
  since: number,
  signal: AbortSignal,
): Promise<ReadBackWords> {
  const { pubkey } = identity;
  const direct = await readAll(parts, identity, relay, { kinds: [4], authors: [pubkey] }, since, signal);
  const wraps = await readAll(
    parts,
    identity,
    relay,
    { kinds: [1059], "#p": [pubkey] },
    since - BACKDATED_SECONDS,
    signal,
  );
  const words: OwnWord[] = [];
  for (const [i, event] of [...direct.events, ...wraps.events].entries()) {
    signal.throwIfAborted();
    if (i % TURN === 0) await new Promise<void>((turn) => setImmediate(() => turn()));
    const word = await wordOf(event, identity, parts.verifier);
    if (word !== null && word.said.at_seconds >= since) words.push(word);
  }
  // As it was said: conversations are shown in the order of their rows.
  words.sort((a, b) => a.said.at_seconds - b.said.at_seconds);
  return {
    messages: words.length,
    fresh: await keep(parts, words),
    hidden: direct.hidden + wraps.hidden,
  };
}

async function readAll(
  { database, verifier }: OwnWordsParts,
  identity: NostrIdentity,
  relay: string | null,
  filter: NostrFilter,
  since: number,
  signal: AbortSignal,
): Promise<{ events: NostrEvent[]; hidden: number }> {
  const store = new EventStore(database.kysely);
  const ask = async (page: NostrFilter): Promise<NostrEvent[]> => {
    if (relay === null) return await store.query([page]);
    return await identity.pool.link(relay).query([page], { timeoutMs: ANSWER_MS, signal });
  };
  const events = new Map<string, NostrEvent>();
  const pages = catchUp(ask, filter, Math.max(0, since));
  let end: CaughtUp | undefined;
  for (let page = await pages.next();; page = await pages.next()) {
    if (page.done) {
      end = page.value;
      break;
    }
    // Our own store holds only what was verified.
    for (const event of page.value.events) {
      if (relay === null || verifier.verify(event)) events.set(event.id, event);
    }
  }
  return { events: [...events.values()], hidden: end.hidden };
}

async function wordOf(
  event: NostrEvent,
  identity: NostrIdentity,
  verifier: Verifier,
): Promise<OwnWord | null> {
  const { pubkey: merchant, signer } = identity;
  if (event.kind === 4) {
    const own = await openOwn(event, signer);
    return own && word({ ...own, id: event.id, at: own.created_at, envelope: "nip04" });
  }
  const opened = await openEnvelope(event, signer, verifier);
  if (opened.ok || !opened.own?.rumorId) {
    if (!opened.ok && opened.retry) throw new Error(opened.reason);
    return null;
  }
  const { rumorId, tags, content, created_at } = opened.own;
  return word({ merchant, id: rumorId, tags, content, at: created_at, envelope: "nip17" });
}

function word(
  o: {
    merchant: string;
    id: string;
    tags: string[][];
    content: string;
    at: number;
    envelope: MessageRow["envelope"];
  },
): OwnWord | null {
  const customer = o.tags.find(([name, value]) => name === "p" && /^[0-9a-f]{64}$/.test(value ?? ""))?.[1];
  // What it writes to itself are probes.
  if (customer === undefined || customer === o.merchant) return null;
  const { order_ref, note, statement, bolt11, kind }: Statement = statementOf(o.content);
  return {
    said: {
      merchant: o.merchant,
      event_id: o.id,
      customer,
      order_ref: order_ref === null ? null : cleanText(order_ref),
      kind,
      statement: cleanText(statement),
      bolt11,
      note: note === null ? null : cleanText(note),
      at_seconds: o.at,
    },
    content: cleanText(o.content),
    envelope: o.envelope,
  };
}

const TYPES: Record<string, MessageRow["type"]> = {
  invoice: "payment_request",
  refusal: "payment_request",
  status: "status",
};
const AT_ONCE = 100;

async function keep({ database, owners }: OwnWordsParts, words: OwnWord[]): Promise<number> {
  let fresh = 0;
  for (let i = 0; i < words.length; i += AT_ONCE) {
    const some = words.slice(i, i + AT_ONCE);
    fresh += await database.transaction(async (tx) => {
      for (const { said, content, envelope } of some) {
        const { merchant, customer, event_id } = said;
        await takeOverTime(tx, { pubkey: merchant, of: { customer }, at: said.at_seconds });
        if (owners.has(customer) || await hasMessage(tx, { merchant, customer, eventId: event_id })) continue;
        await addMessage(tx, {
          merchant,
          customer,
          direction: "out",
          type: TYPES[said.kind] ?? "chat",
          envelope,
          order_id: null,
          body: content,
          event_id,
          at: said.at_seconds * 1000,
        });
      }
      return await addSaid(tx, some.map(({ said }) => said));
    });
  }
  return fresh;
}
