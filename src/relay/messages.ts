import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { z } from "zod";
import { isLongerThan } from "../policies/size_policy.ts";
import { MAX_SUBSCRIPTION_ID, type RelayLimits } from "./limits.ts";
import { closedMessage, noticeMessage, okMessage } from "./replies.ts";

/** What a client may say (NIP-01, NIP-42, NIP-45), checked; events and filters have only the fields we know. */
export type ClientMessage =
  | { verb: "EVENT" | "AUTH"; event: NostrEvent }
  | { verb: "REQ" | "COUNT"; id: string; filters: NostrFilter[] }
  | { verb: "CLOSE"; id: string };

/** A message, or the text that tells the client what is wrong with it. */
export type Parsed = { ok: true; message: ClientMessage } | { ok: false; reply: string };

/** Makes the parser of clients' messages. It never throws. */
export function clientMessageParser(limits: RelayLimits): (text: string) => Parsed {
  const eventSchema = createEventSchema(limits);
  const filterSchema = createFilterSchema(limits);

  return (text) => {
    if (isLongerThan(text, limits.messageBytes)) {
      return notice(`invalid: the message is too long, at most ${limits.messageBytes} bytes are taken`);
    }
    const json = parseJson(text);
    if (!Array.isArray(json)) return notice("invalid: a message is a JSON array");
    const [verb, first, ...rest] = json as unknown[];
    switch (verb) {
      case "EVENT":
      case "AUTH":
        return parseEvent(verb, first);
      case "REQ":
      case "COUNT":
        return parseFilters(verb, first, rest);
      case "CLOSE":
        if (!isSubscriptionId(first)) return notice("invalid: CLOSE needs a subscription id");
        return { ok: true, message: { verb, id: first } };
      default:
        return notice("invalid: unknown verb; EVENT, REQ, COUNT, CLOSE and AUTH are understood");
    }
  };

  function parseEvent(verb: "EVENT" | "AUTH", value: unknown): Parsed {
    const parsed = eventSchema.safeParse(value);
    if (parsed.success) return { ok: true, message: { verb, event: parsed.data } };
    const reason = `invalid: ${firstIssue(parsed.error)}`;
    const id = (value as { id?: unknown } | null | undefined)?.id;
    if (typeof id !== "string" || id.length > 64) return notice(reason);
    return { ok: false, reply: okMessage(id, false, reason) };
  }

  function parseFilters(verb: "REQ" | "COUNT", id: unknown, values: unknown[]): Parsed {
    if (!isSubscriptionId(id)) {
      return notice(`invalid: ${verb} needs a subscription id of 1 to ${MAX_SUBSCRIPTION_ID} characters`);
    }
    const refuse = (reason: string): Parsed => ({
      ok: false,
      reply: closedMessage(id, `invalid: ${reason}`),
    });
    if (values.length === 0) return refuse("a filter is missing");
    if (values.length > limits.filters) {
      return refuse(`too many filters, at most ${limits.filters} are taken`);
    }
    const filters: NostrFilter[] = [];
    for (const value of values) {
      const parsed = filterSchema.safeParse(value);
      if (!parsed.success) return refuse(`in a filter: ${firstIssue(parsed.error)}`);
      filters.push(cleanFilter(parsed.data));
    }
    return { ok: true, message: { verb, id, filters } };
  }
}

function createEventSchema(limits: RelayLimits) {
  // An unpaired surrogate is hashed as U+FFFD: two texts would have one id.
  const text = z.string().refine((value) => value.isWellFormed(), "has an unpaired surrogate");
  return z.object({
    id: hex(64),
    pubkey: hex(64),
    created_at: z.int().min(0),
    kind: z.int().min(0).max(65_535),
    tags: z.array(z.array(text)).max(limits.tags),
    content: text,
    sig: hex(128),
  });
}

function createFilterSchema(limits: RelayLimits) {
  const list = <T extends z.ZodType>(of: T) => z.array(of).max(limits.filterValues);
  return z.object({
    ids: list(hex(64)).nullish(),
    authors: list(hex(64)).nullish(),
    kinds: list(z.int().min(0).max(65_535)).nullish(),
    since: z.number().nullish(),
    until: z.number().nullish(),
    limit: z.int().min(0).nullish(),
    // Everything else is looked at by name below. NIP-50: a relay without search ignores `search`.
  }).catchall(z.unknown()).superRefine((filter, context) => {
    for (const [name, value] of Object.entries(filter)) {
      if (!name.startsWith("#")) continue;
      // Leaving such a condition out would answer with more than was asked for.
      if (!/^#[A-Za-z]$/.test(name)) {
        context.addIssue({ code: "custom", path: [name], message: "tags of one letter only" });
      } else if (!isStrings(value)) {
        context.addIssue({ code: "custom", path: [name], message: "must be a list of strings" });
      } else if (value.length > limits.filterValues) {
        context.addIssue({ code: "custom", path: [name], message: `at most ${limits.filterValues} values` });
      }
    }
  });
}

/** Only known fields, whole seconds, and no field that is there without a value. */
function cleanFilter(filter: Record<string, unknown>): NostrFilter {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(filter)) {
    if (value === null || value === undefined) continue;
    if (name === "since") clean[name] = Math.ceil(value as number);
    else if (name === "until") clean[name] = Math.floor(value as number);
    else if (name.startsWith("#") || ["ids", "authors", "kinds", "limit"].includes(name)) clean[name] = value;
  }
  return clean as NostrFilter;
}

function hex(length: number) {
  return z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `must be ${length} lower-case hex digits`);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function isSubscriptionId(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_SUBSCRIPTION_ID;
}

function notice(text: string): Parsed {
  return { ok: false, reply: noticeMessage(text) };
}

/** `undefined` for what is no JSON; the reason is for nobody. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return "not understood";
  const path = issue.path.join(".").slice(0, 80);
  return path === "" ? issue.message : `${path}: ${issue.message}`;
}
