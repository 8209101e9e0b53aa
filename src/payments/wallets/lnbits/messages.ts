import { z } from "zod";
import { parseBounded } from "../../../bounded_json.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/i).transform((text) => text.toLowerCase());
const told = z.object({ payment: z.object({ payment_hash: hash, amount: z.number() }) });

/** The payment hash of what came in, by a message of the wallet's WebSocket; null for everything else. */
export function hashOfMessage(text: string): string | null {
  const read = told.safeParse(json(text));
  return read.success && read.data.payment.amount > 0 ? read.data.payment.payment_hash : null;
}

function json(text: string): unknown {
  const read = parseBounded(text, { chars: 100_000, depth: 20 });
  return read.ok ? read.value : undefined;
}
