import type { Clock } from "../../clock.ts";
import { parseExactJson } from "../exact_json.ts";

/** What came back: JSON with its numbers as they were written, or why there is none. */
export type PriceAnswer =
  | { ok: true; body: unknown }
  /** `missing`: the source says that there is nothing under this path. */
  | { ok: false; reason: string; missing: boolean; retryAfterMs: number | null };

/** A source that answers later than this hasn't answered. */
export const PATIENCE_MS = 3_000;
/** All prices of a source are some kilobytes. */
const MOST_BYTES = 256 * 1024;
/** Longer pauses are nobody's to ask for. */
const MOST_PAUSE_MS = 10 * 60_000;

/**
 * Asks a source, whose host is one of the program's own list: once, without following it elsewhere, for three seconds by
 * `clock`. Never throws; reasons hold no URL.
 */
export async function askPrice(
  url: string,
  { clock, agent, signal }: { clock: Clock; agent: string; signal: AbortSignal },
): Promise<PriceAnswer> {
  const over = new AbortController();
  const late = new AbortController();
  const patience = clock.sleep(PATIENCE_MS, AbortSignal.any([over.signal, signal])).then(() => {
    if (!over.signal.aborted) late.abort();
  });
  try {
    return await ask(url, agent, late.signal);
  } catch (error) {
    if (late.signal.aborted) return failed(signal.aborted ? "the program stops" : "no answer in time");
    if (error instanceof EndlessAnswer) return failed("it answers without end");
    return failed(isUnconnected(error) ? "no connection" : "the connection broke");
  } finally {
    over.abort();
    await patience;
  }
}

async function ask(url: string, agent: string, signal: AbortSignal): Promise<PriceAnswer> {
  const response = await fetch(url, {
    headers: { accept: "application/json", "user-agent": agent },
    redirect: "manual",
    signal,
  });
  const { status } = response;
  if (status !== 200) {
    await response.body?.cancel();
    return {
      ok: false,
      reason: `HTTP ${status}`,
      missing: status === 400 || status === 404,
      retryAfterMs: pauseOf(response.headers.get("retry-after")),
    };
  }
  const body = parseExactJson(await textOf(response));
  return typeof body === "object" && body !== null ? { ok: true, body } : failed("its answer is no JSON");
}

/** Deno tells where a request broke by these words alone, in the cause of what it throws. */
function isUnconnected(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return /client error \(Connect\)|dns error|tcp connect error/i.test(`${error} ${cause}`);
}

class EndlessAnswer extends Error {}

async function textOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MOST_BYTES) throw new EndlessAnswer();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Seconds; a date is not read: the usual pauses apply. */
function pauseOf(text: string | null): number | null {
  if (text === null || !/^\d{1,6}$/.test(text)) return null;
  return Math.min(Number(text) * 1000, MOST_PAUSE_MS);
}

function failed(reason: string): PriceAnswer {
  return { ok: false, reason, missing: false, retryAfterMs: null };
}
