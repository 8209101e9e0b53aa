import type { MiddlewareHandler } from "@hono/hono";
import type { Clock } from "../clock.ts";
import type { ApiEnv, ApiParts } from "./context.ts";
import { Problem } from "./problem.ts";

const MAX_BYTES = 1_000_000;
/** A client that sends nothing any more doesn't hold its connection for ever. */
const PATIENCE_MS = 30_000;

/** Reads the body: at most so much, in at most so long. What comes after has it at once. */
export function boundedBody({ clock }: ApiParts): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { body } = c.req.raw;
    if (body === null || c.req.method === "GET" || c.req.method === "HEAD") return await next();
    const bytes = await boundedBytes(c.req.raw, clock, MAX_BYTES);
    const { method, headers } = c.req.raw;
    c.req.raw = new Request(c.req.url, { method, headers, body: bytes });
    await next();
  };
}

/** The bytes of a request's body: at most so many, in 30 s. Throws a `Problem`. */
export async function boundedBytes(request: Request, clock: Clock, most: number): Promise<ArrayBuffer> {
  if (request.body === null) return new ArrayBuffer(0);
  if (Number(request.headers.get("content-length") ?? 0) > most) throw tooLarge(most);
  return await read(request.body, most, (signal) => clock.sleep(PATIENCE_MS, signal));
}

async function read(
  body: ReadableStream<Uint8Array>,
  most: number,
  late: (signal: AbortSignal) => Promise<void>,
): Promise<ArrayBuffer> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const done = new AbortController();
  const reader = body.getReader();
  try {
    const tooLate = late(done.signal).then(() => null);
    for (let size = 0;;) {
      const chunk = await Promise.race([reader.read(), tooLate]).catch(cutOff);
      if (chunk === null) {
        throw new Problem(408, "too_slow", `The body didn't come within ${PATIENCE_MS / 1000} s.`);
      }
      if (chunk.done) return await new Blob(parts).arrayBuffer();
      size += chunk.value.length;
      if (size > most) throw tooLarge(most);
      parts.push(chunk.value as Uint8Array<ArrayBuffer>);
    }
  } catch (error) {
    // The rest of it isn't wanted; a client that is gone can't be told so.
    reader.cancel().catch(() => null);
    throw error;
  } finally {
    done.abort();
  }
}

/** The connection ended: nobody reads the answer, and it is no fault of ours. */
function cutOff(): never {
  throw new Problem(400, "body_cut_off", "The connection ended before the body did.");
}

function tooLarge(most: number): Problem {
  return new Problem(413, "too_large", `A body may have at most ${most} bytes.`);
}
