import type { AlertKind } from "../alert.ts";
import type { Clock } from "../clock.ts";
import type { Database, Tx } from "../db/database.ts";
import type { JobHandlers } from "../jobs/handler.ts";
import { enqueue } from "../jobs/queue.ts";
import { findOrder } from "../orders/orders_store.ts";
import { chatOf, countChats, findMessage } from "./chat_store.ts";
import { addNotice, countTold, sumUp } from "./notices_store.ts";
import { Turns } from "./turns.ts";
import { noticeText, summaryText } from "./wording.ts";

const WINDOW_MS = 10 * 60_000;
/** News of a kind that are told one by one within the window; what comes above them is summed up. Other kinds are rare. */
const ONE_BY_ONE: Partial<Record<AlertKind, number>> = { order_paid: 20, chat: 20 };
/** Of one customer. */
const CHATS_ONE_BY_ONE = 5;

/** The payload of `owners.tell`, as `alert()` writes it. */
interface Tell {
  merchant: string;
  kind: AlertKind;
  fact: string;
  order_id?: string;
  detail?: string;
}

export interface TellParts {
  database: Database;
  clock: Clock;
  /** Keys (hex) of who is told. */
  owners: ReadonlySet<string>;
  /** The kinds of news that they want. */
  kinds: ReadonlySet<AlertKind>;
}

/**
 * The jobs `owners.tell` and `owners.summary`: each fact becomes one notice, and what isn't to be told by itself is kept for
 * a summary. The messages themselves are jobs `owners.dm`, one for each owner. The merchant's own key gets none.
 */
export function tellJobs(parts: TellParts): JobHandlers {
  const { database, clock } = parts;
  const turns = new Turns();
  return {
    "owners.tell": {
      // Many are claimed at once, for that costs more than telling; but one follows another, for they count each other.
      concurrency: 32,
      run: (job) =>
        turns.inTurn(String(job.payload.merchant), () =>
          database.transaction(async (tx) => {
            await tell(tx, job.payload as unknown as Tell, parts, clock.now());
            await job.complete(tx);
            // What a power cut takes back is a job again.
          }, { lasting: false })),
    },
    "owners.summary": {
      concurrency: 1,
      run: (job) =>
        database.transaction(async (tx) => {
          await tellTheRest(tx, String(job.payload.merchant), parts, clock.now());
          await job.complete(tx);
        }),
    },
  };
}

async function tell(tx: Tx, alert: Tell, parts: TellParts, now: number): Promise<void> {
  const { merchant, kind, fact, detail } = alert;
  const order = alert.order_id === undefined ? undefined : await findOrder(tx, alert.order_id);
  const wanted = parts.kinds.has(kind) && toldOf(merchant, parts).length > 0;
  const state = !wanted ? "off" : await isTooMuch(tx, alert, now) ? "folded" : "told";
  const seq = await addNotice(tx, {
    merchant,
    kind,
    fact,
    order_id: alert.order_id ?? null,
    text: noticeText(kind, { order, detail }),
    state,
    at: now,
  });
  if (seq === null) return;
  if (state === "told") await send(tx, merchant, seq, parts, now);
  if (state === "folded") {
    const runAt = now + WINDOW_MS;
    await enqueue(tx, { kind: "owners.summary", merchant, key: merchant, payload: { merchant }, runAt }, now);
  }
}

async function isTooMuch(tx: Tx, { merchant, kind, fact }: Tell, now: number): Promise<boolean> {
  const most = ONE_BY_ONE[kind];
  if (most === undefined) return false;
  const since = now - WINDOW_MS;
  if (await countTold(tx, { merchant, kind, since }) >= most) return true;
  const chat = chatOf(fact);
  const message = chat === null ? undefined : await findMessage(tx, merchant, chat);
  if (!message) return false;
  const { customer, seq: upTo } = message;
  return await countChats(tx, { merchant, customer, since, upTo }) > CHATS_ONE_BY_ONE;
}

async function tellTheRest(tx: Tx, merchant: string, parts: TellParts, now: number): Promise<void> {
  const sum = await sumUp(tx, merchant);
  if (sum === null) return;
  const seq = await addNotice(tx, {
    merchant,
    kind: "summary",
    fact: `summary:${sum.last}`,
    order_id: null,
    text: summaryText(sum.kinds),
    state: "told",
    at: now,
  });
  if (seq !== null) await send(tx, merchant, seq, parts, now);
}

async function send(tx: Tx, merchant: string, notice: number, parts: TellParts, now: number): Promise<void> {
  for (const owner of toldOf(merchant, parts)) {
    const payload = { merchant, notice, owner };
    await enqueue(tx, { kind: "owners.dm", merchant, key: `${notice}:${owner}`, payload }, now);
  }
}

function toldOf(merchant: string, { owners }: TellParts): string[] {
  return [...owners].filter((owner) => owner !== merchant);
}
