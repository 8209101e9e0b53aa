import { createHash } from "node:crypto";
import { readJsonObject } from "../dialects/bounded_json.ts";
import { ExactNumber } from "../dialects/exact_number.ts";
import type { ReplyKind } from "../orders/types.ts";
import type { SaidBefore } from "../orders/said_before_store.ts";

/** What a message of ours says about an order, so far that the same again is known again. */
export type Statement = Pick<SaidBefore, "order_ref" | "kind" | "statement" | "bolt11" | "note">;

/** Answers to a message: who asks again is answered again. The others tell a fact, once. */
const ANSWERS: ReadonlySet<ReplyKind> = new Set([
  "payment_request",
  "underpaid",
  "refusal",
  "cancelled",
  "apology",
  "state",
]);

/** Reads a message of ours (NIP-15's types 1 and 2); everything else is `other`. */
export function statementOf(content: string): Statement {
  const statement = textStatement(content);
  const other: Statement = { order_ref: null, kind: "other", statement, bolt11: null, note: null };
  const json = readJsonObject(content);
  if (!json.ok) return other;
  const { id, type, message } = json.value;
  const order_ref = typeof id === "string" ? id : id instanceof ExactNumber ? id.text : null;
  const note = typeof message === "string" ? message : "";
  if (Number(type) === 1) {
    const bolt11 = linkIn(json.value.payment_options);
    return bolt11 === null
      ? { order_ref, kind: "refusal", statement: `1:refused#${digest(note)}`, bolt11, note }
      : { order_ref, kind: "invoice", statement: `1:${bolt11}`, bolt11, note: null };
  }
  if (Number(type) !== 2) return other;
  const { paid, shipped, status } = json.value;
  const told = `2:${paid === true}:${shipped === true}:${String(status)}#${digest(note)}`;
  return { order_ref, kind: "status", statement: told, bolt11: null, note: null };
}

/**
 * Whether a message that is about to be sent was sent before the restore. Facts (paid, shipped, …) are known by their
 * meaning, digital goods by their very text; an answer counts only when it was given after the message that it answers.
 */
export function wasSaid(
  content: string,
  reply: ReplyKind,
  said: readonly SaidBefore[],
  askedAtSeconds: number,
): boolean {
  const { kind, statement } = statementOf(content);
  const exact = reply === "digital";
  return said.some((one) =>
    one.kind === kind &&
    (exact ? one.statement === statement : meaning(one.statement) === meaning(statement)) &&
    (!ANSWERS.has(reply) || one.at_seconds > askedAtSeconds)
  );
}

/** What a message for people says: known again by its very words. */
export function textStatement(content: string): string {
  return `text#${digest(content)}`;
}

/** Without the words. */
function meaning(statement: string): string {
  return statement.split("#")[0]!;
}

function linkIn(options: unknown): string | null {
  if (!Array.isArray(options)) return null;
  for (const one of options as unknown[]) {
    const { type, link } = (one ?? {}) as { type?: unknown; link?: unknown };
    if (type === "ln" && typeof link === "string" && link !== "") return link.toLowerCase();
  }
  return null;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
