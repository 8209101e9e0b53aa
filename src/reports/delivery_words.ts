import { refusalWord } from "../nostr/outbox_answers.ts";
import { NOT_STORED } from "../nostr/read_back_store.ts";
import { SAID_AGAIN } from "../nostr/said_again.ts";
import type { DeliveryRow, SentMessage } from "./order_story_store.ts";

/**
 * How far a message to a customer has come: `delivered` = a relay that the customer reads has it, or any when none of them is
 * known to be read; `partly` = only others have it; `waiting` = none yet; `failed` = none ever will.
 */
export type DeliveryState = "delivered" | "partly" | "waiting" | "failed";

const MOST_ANSWER = 120;
/** NIP-01's words for a no that stays one. */
const REFUSALS = ["blocked", "restricted", "invalid", "mute"];

const NAMES: Record<NonNullable<SentMessage["type"]>, string> = {
  payment_request: "Payment request",
  status: "Status message",
  digital: "Digital goods",
  chat: "Message",
  order: "Message",
  claim: "Message",
};

export function deliveryState(sent: SentMessage): DeliveryState {
  const { relays } = sent;
  const known = relays.some((row) => row.reads === 1);
  const has = relays.filter((row) => row.state === "delivered");
  if (sent.readsOurs || has.some((row) => row.reads === 1 || !known)) return "delivered";
  if (has.length > 0) return "partly";
  return relays.some((row) => row.state === "pending") ? "waiting" : "failed";
}

/** A message's way to the customer, relay by relay, in one sentence. */
export function deliveryText(sent: SentMessage): string {
  const { relays, readsOurs } = sent;
  const of = (state: DeliveryRow["state"]) => relays.filter((row) => row.state === state);
  const accepted = [
    ...(readsOurs ? ["our own relay (the customer reads it)"] : []),
    ...of("delivered").map(named),
  ];
  const parts = [
    ...(accepted.length > 0 ? [`accepted by ${listed(accepted)}`] : []),
    ...of("pending").map(pendingText),
    ...of("failed").map(failedText),
    ...(sent.undeliveredAt === null ? [] : [`the owners were told at ${time(sent.undeliveredAt)}`]),
  ];
  const name = sent.refusal ? "Refusal" : sent.type === null ? "Message" : NAMES[sent.type];
  const all = relays.length + (readsOurs ? 1 : 0);
  const share = accepted.length > 0 && accepted.length < all ? ` to ${accepted.length} of ${all} relays` : "";
  const details = parts.length > 0 ? parts.join("; ") : "there is no relay to send it to";
  return `${name} ${STATES[deliveryState(sent)]}${share}: ${details}.`;
}

const STATES: Record<DeliveryState, string> = {
  delivered: "delivered",
  partly: "partly delivered (none of them is known to be read by the customer)",
  waiting: "not delivered yet",
  failed: "not delivered",
};

function pendingText(row: DeliveryRow): string {
  if (row.attempts === 0) return `${named(row)} hasn't been tried yet`;
  if (row.answer === NOT_STORED) return `${named(row)} said yes and didn't keep it, so it is sent again`;
  const tries = row.attempts === 1 ? "" : ` ${row.attempts} times`;
  return `${named(row)} hasn't taken it${tries}${said(row)}, tried again at ${time(row.next_at)}`;
}

function failedText(row: DeliveryRow): string {
  const word = refusalWord(row.answer ?? "");
  if (row.answer === SAID_AGAIN) return `${named(row)} gets it as it was said again`;
  if (row.answer === NOT_STORED) return `${named(row)} said yes ${row.resends + 1} times and never kept it`;
  if (word === "pow") {
    return `${named(row)} wants proof of work, which a signed message can't be given later${said(row)}`;
  }
  const what = REFUSALS.includes(word) ? "refused it" : "didn't take it, no further tries";
  return `${named(row)} ${what}${said(row)}`;
}

function named(row: DeliveryRow): string {
  return row.reads === 1 ? `${row.relay} (the customer reads it)` : row.relay;
}

function said({ answer }: DeliveryRow): string {
  if (answer === null || answer === "") return "";
  return ` (${answer.length > MOST_ANSWER ? `${answer.slice(0, MOST_ANSWER - 1).toWellFormed()}…` : answer})`;
}

function listed(names: string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function time(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
