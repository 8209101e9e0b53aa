import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Database } from "../db/database.ts";
import { type JobHandlers, RetryLater, type RunningJob } from "../jobs/runner.ts";
import { Deadline } from "../nostr/deadline.ts";
import { findOrder } from "../orders/orders_store.ts";
import { TILL_CALL_JOB, tillOf, tillStates } from "../orders/till.ts";
import type { GuardedFetch } from "../web/guarded_fetch.ts";
import { callHeaders, callSecret } from "./signature.ts";
import { bellOf } from "./tills_store.ts";

const ANSWER_MS = 10_000;
const MOST_BYTES = 64 * 1024;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 3_600_000;

export interface TillCallParts {
  database: Database;
  clock: Clock;
  secrets: { derive(purpose: string): string };
  /** The way to URLs that the operator hasn't named. */
  web: Pick<GuardedFetch, "ask">;
}

const payloadSchema = z.object({ order_id: z.string(), seq: z.int(), state: z.enum(tillStates) });

/**
 * The handler of `till.call` {order_id, seq, state}: tells the program behind a till that the state of its invoice is another one,
 * until it answers with a 2xx. One invoice's calls come one after another; the same call has the same id, however often it comes.
 */
export function tillCallJob({ database, clock, secrets, web }: TillCallParts): JobHandlers {
  async function run(job: RunningJob): Promise<void> {
    const { order_id, seq, state } = payloadSchema.parse(job.payload);
    const order = await findOrder(database.kysely, order_id);
    const till = order ? tillOf(order) : null;
    const now = clock.now();
    const bell = till === null ? undefined : await bellOf(database.kysely, till, now);
    if (!order || !bell) return;
    const body = JSON.stringify({ id: order.id, reference: order.customer_order_id, state });
    const headers = {
      "content-type": "application/json",
      ...callHeaders(callSecret(secrets, bell.id), { id: `${order.id}_${seq}`, at: now, body }),
    };
    using deadline = new Deadline(clock, ANSWER_MS, job.signal);
    const question = { url: bell.notify_url, headers, body };
    const answer = bell.notify_inside === 1
      ? await askInside(question, deadline.signal)
      : await askOutside(web, question, deadline.signal);
    if (job.signal.aborted) throw job.signal.reason;
    if (typeof answer === "number" && answer >= 200 && answer < 300) return;
    const host = new URL(bell.notify_url).host;
    const why = typeof answer === "number" ? `${host} answers HTTP ${answer}` : answer;
    throw new RetryLater(`the till can't be called: ${why}`, pauseAfter(job.attempt));
  }
  return { [TILL_CALL_JOB]: { run } };
}

interface Question {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** The status, or why there is none. The URL is the operator's own; no redirect is followed, so it leads to nowhere else. */
async function askInside({ url, ...asked }: Question, signal: AbortSignal): Promise<number | string> {
  try {
    const response = await fetch(url, { ...asked, method: "POST", redirect: "manual", signal });
    await response.body?.cancel();
    return response.status;
  } catch {
    // What is thrown quotes the URL.
    return `${new URL(url).host} ${signal.aborted ? "doesn't answer in time" : "can't be reached"}`;
  }
}

async function askOutside(
  web: Pick<GuardedFetch, "ask">,
  { url, ...asked }: Question,
  signal: AbortSignal,
): Promise<number | string> {
  const how = { ...asked, method: "POST", mostBytes: MOST_BYTES, redirects: 0 } as const;
  const fetched = await web.ask(url, how, signal);
  return fetched.ok ? fetched.answer.status : fetched.reason;
}

/** 5 s, doubled each time, at most an hour: a till that is set up wrong is put right within three days, or asks by itself. */
function pauseAfter(attempt: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 20), LONGEST_PAUSE_MS);
}
