import { z } from "zod";
import { parseBounded } from "../../../bounded_json.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/i).transform((text) => text.toLowerCase());
const told = z.object({ payment: z.object({ payment_hash: hash, amount: z.number() }) });
const sent = z.object({ payment_hash: hash });

/** The payment hash of what came in, by a message of the wallet's WebSocket; null for everything else. */
export function hashOfMessage(text: string): string | null {
  const read = told.safeParse(json(text));
  return read.success && read.data.payment.amount > 0 ? read.data.payment.payment_hash : null;
}

/** The payment hash in a webhook's body: a payment as JSON, within a JSON string. Null for everything else. */
export function bodyOfHook(raw: Uint8Array): string | null {
  const once = json(new TextDecoder().decode(raw));
  const read = sent.safeParse(typeof once === "string" ? json(once) : once);
  return read.success ? read.data.payment_hash : null;
}

function json(text: string): unknown {
  const read = parseBounded(text, { chars: 100_000, depth: 20 });
  return read.ok ? read.value : undefined;
}
