import type { OrderRequest, Reply, Traits } from "../orders/types.ts";
import type { Addressee } from "./addressee.ts";
import { type JsonObject, MAX_JSON_BYTES, own, readJsonObject } from "./bounded_json.ts";
import { asksToCancel, cancelledByTags } from "./cancel.ts";
import { cleanText } from "./clean_text.ts";
import { phraseNip15 } from "./nip15.ts";
import { phrasePlebeian } from "./plebeian.ts";
import { looksLikeOrder, readOrder, readOrderId } from "./read_order.ts";
import { readTextTwin } from "./text_twins.ts";

export type { Addressee } from "./addressee.ts";
export { refersTo } from "./text_twins.ts";

/** The ways of phrasing that are spoken. */
export type DialectName = "nip15" | "plebeian";

const DIALECTS: Record<DialectName, (reply: Reply, order: Addressee) => string[]> = {
  nip15: phraseNip15,
  plebeian: phrasePlebeian,
};

/** NIP-15's JSON travels in NIP-04 messages and in NIP-17 chat messages. */
const NIP15_KINDS: ReadonlySet<number> = new Set([4, 14]);

/** What an opened message is besides its content. */
export interface MessageContext {
  /** 4 for NIP-04; the rumor's for gift wraps. */
  kind: number;
  tags: string[][];
  /** Whom it was sent to, hex. */
  merchant: string;
}

/** What a message turns out to be. */
export type MessageReading =
  | { type: "order"; dialect: DialectName; request: OrderRequest }
  /** Meant as an order, but it can't be taken; the customer is told why. */
  | {
    type: "invalid_order";
    dialect: DialectName;
    customerOrderId: string | null;
    reason: string;
    traits: Traits;
  }
  /**
   * The customer cancels an order. `dialect` is null where the message's own isn't spoken yet: an order that we have is
   * answered in its own words, and of others nothing is said.
   */
  | { type: "cancel"; dialect: DialectName | null; customerOrderId: string; traits: Traits }
  /** Text that accompanies an order (`twin`) or says that it is paid (`claim`): kept with it, never answered. */
  | { type: "twin" | "claim"; orderRef: string | null }
  /** JSON that no customer's order is: types 1 and 2, other programs. Never answered, or two bots talk for ever. */
  | { type: "bot"; orderRef: string | null }
  /** For people. */
  | { type: "chat"; text: string };

/** Reads an opened message. Takes whatever a stranger sends and never throws. */
export function readMessage(content: string, context: MessageContext): MessageReading {
  if (!NIP15_KINDS.has(context.kind)) return readOther(content, context);
  const json = readJsonObject(content);
  if (json.ok) return readObject(json.value, context);
  switch (json.reason) {
    case "too_large":
    case "too_deep":
      return isCheckout(content) ? unreadable(json.reason) : chat(content);
    case "other":
      return { type: "bot", orderRef: null };
    case "none":
      return readTextTwin(content) ?? chat(content);
  }
}

/**
 * An answer in the words and the shape of the order's dialect: the JSON texts to send, in this order. The order's id is
 * echoed byte for byte. Nothing of type 2 says that an order waits: NIP-15's clients take any type 2 for the end of the
 * payment, so what isn't paid is answered by type 1.
 */
export function phrase(reply: Reply, order: Addressee): string[] {
  const words = DIALECTS[Object.hasOwn(DIALECTS, order.dialect) ? order.dialect as DialectName : "nip15"];
  if (reply.kind === "status" && reply.status === "pending") {
    return words({ kind: "refusal", reason: reply.message, cancelled: false, orderStands: true }, order);
  }
  return words(reply, order);
}

/** Kinds of dialects that aren't spoken yet: what they say is kept with the order that they name, or is for people. */
function readOther(content: string, { kind, tags }: MessageContext): MessageReading {
  const cancelled = readOrderId(cancelledByTags(kind, tags));
  if (cancelled.ok) {
    return { type: "cancel", dialect: null, customerOrderId: cancelled.id, traits: cancelled.traits };
  }
  const order = tags.find(([name, value]) => name === "order" && value)?.[1];
  if (order === undefined && !readJsonObject(content).ok) return chat(content);
  return { type: "bot", orderRef: order === undefined ? null : cleanText(order).slice(0, 256) };
}

function readObject(json: JsonObject, { merchant }: MessageContext): MessageReading {
  const type = typeOf(json);
  if (asksToCancel(json, type)) return readCancel(json);
  if (type !== 0 && !(type === null && looksLikeOrder(json))) {
    return { type: "bot", orderRef: orderRefOf(json) };
  }
  const reading = readOrder(json, merchant);
  if (reading.ok) {
    return { type: "order", dialect: dialectOf(reading.request.traits), request: reading.request };
  }
  const { customerOrderId, reason, traits } = reading;
  return { type: "invalid_order", dialect: dialectOf(traits), customerOrderId, reason, traits };
}

function readCancel(json: JsonObject): MessageReading {
  const id = readOrderId(own(json, "id"));
  const { traits } = id;
  if (id.ok) return { type: "cancel", dialect: "nip15", customerOrderId: id.id, traits };
  const reason = "The cancellation doesn't name its order: please send the order's id with it.";
  return { type: "invalid_order", dialect: "nip15", customerOrderId: null, reason, traits };
}

/** NIP-15's `type`: a number, or its text. Null when there is none; NaN for what is no number. */
function typeOf(json: JsonObject): number | null {
  const type = own(json, "type");
  if (type === undefined || type === null || type === "") return null;
  if (typeof type === "string") return /^\s*\d{1,3}(\.0+)?\s*$/.test(type) ? Number(type) : NaN;
  return typeof type === "number" ? type + 0 : NaN;
}

function dialectOf(traits: Traits): DialectName {
  return traits.stallKey === "stallId" ? "plebeian" : "nip15";
}

function orderRefOf(json: JsonObject): string | null {
  const id = own(json, "id");
  return typeof id === "string" && id !== "" && id.length <= 256 ? cleanText(id) : null;
}

/** Whether a text that is too much to parse was meant for a machine. */
function isCheckout(content: string): boolean {
  const start = content.slice(0, 1000).trimStart();
  return /^\uFEFF?(```[a-z]*\s*)?"?\{/i.test(start);
}

function unreadable(why: "too_large" | "too_deep"): MessageReading {
  const reason = why === "too_large"
    ? `The message is longer than ${MAX_JSON_BYTES / 1024} KB.`
    : "The message is nested too deeply.";
  return {
    type: "invalid_order",
    dialect: "nip15",
    customerOrderId: null,
    reason,
    traits: { stallKey: "none", withoutId: true },
  };
}

function chat(content: string): MessageReading {
  return { type: "chat", text: cleanText(content.slice(0, MAX_JSON_BYTES)) };
}
