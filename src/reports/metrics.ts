import { Gauge, Registry } from "prom-client";
import { paymentStates } from "../db/tables.ts";
import type { Database } from "../db/database.ts";
import { countJobs } from "../jobs/jobs_store.ts";
import { readCounts } from "./counts_store.ts";

/** What is known outside of the database. */
export interface LiveFigures {
  version: string;
  startedAt: number;
  relays(): {
    merchant: string;
    url: string;
    connected: boolean;
    caughtUp: boolean;
    /** It doesn't hand over what it has. */
    deaf: boolean;
    foundDeaf: number;
    refusing: boolean;
    /** Seconds that may hold more events than it gives out. */
    hidden: number;
    lastEventAt: number | null;
    reconnects: number;
  }[];
  /** Refused events since start, by the policy that refused. */
  refusals(): Record<string, number>;
  /** Events from relays since start. */
  events(): { received: number; duplicates: number; invalid: number };
  relayConnections(): number;
  /** What the built-in relay refused for lack of room or quota since the start. */
  relayRefusals(): Record<string, number>;
  /** What is kept of people who never ordered, and how many of their events were left at relays since the start. */
  strangers(): { events: number; bytes: number; left: number };
  walletUp(): boolean | null;
}

/** Prometheus' figures, read when they are asked for. */
export function createMetrics(database: Database, live: LiveFigures): () => Promise<string> {
  const registry = new Registry();
  const gauge = <L extends string>(name: string, help: string, labels: L[] = []) =>
    new Gauge({ name, help, labelNames: labels, registers: [registry] });
  const build = gauge("ncc_build_info", "Version of the program", ["version"]);
  const started = gauge("ncc_process_start_time_seconds", "When the process started");
  const orders = gauge("ncc_orders", "Orders by payment state", ["payment"]);
  const received = gauge("ncc_received_msat_total", "Money that wallets reported as arrived");
  const unmatched = gauge("ncc_unmatched_payments", "Payments that match no order");
  const held = gauge("ncc_stock_held_units", "Units reserved for open orders");
  const inbox = gauge("ncc_inbox_waiting", "Events that wait to be read");
  const outbox = gauge("ncc_outbox", "Events on their way to relays", ["state"]);
  const jobs = gauge("ncc_jobs", "Jobs by state", ["state"]);
  const connected = gauge("ncc_relay_connected", "Whether the subscription at a relay stands", [
    "merchant",
    "relay",
  ]);
  const caughtUp = gauge("ncc_relay_caught_up", "Whether what was missed at a relay has been read", [
    "merchant",
    "relay",
  ]);
  const deaf = gauge("ncc_relay_deaf", "Whether a relay doesn't hand over what it has", [
    "merchant",
    "relay",
  ]);
  const foundDeaf = gauge("ncc_relay_found_deaf_total", "How often a relay was found deaf", [
    "merchant",
    "relay",
  ]);
  const refusing = gauge("ncc_relay_refusing", "Whether a relay refuses our subscription or look-ups", [
    "merchant",
    "relay",
  ]);
  const hidden = gauge(
    "ncc_relay_hidden_seconds",
    "Seconds that may hold more events than a relay gives out",
    [
      "merchant",
      "relay",
    ],
  );
  const lastEvent = gauge("ncc_relay_last_event_timestamp_seconds", "When a relay last sent an event", [
    "merchant",
    "relay",
  ]);
  const reconnects = gauge("ncc_relay_reconnects_total", "Connections to a relay after the first", [
    "merchant",
    "relay",
  ]);
  const events = gauge("ncc_events_received_total", "Events from relays", ["result"]);
  const refused = gauge("ncc_events_refused_total", "Events refused by a policy", ["policy"]);
  const clients = gauge("ncc_relay_server_connections", "Clients of the built-in relay");
  const turnedAway = gauge(
    "ncc_relay_server_refused_total",
    "Refused by the built-in relay for lack of room",
    [
      "reason",
    ],
  );
  const shed = gauge("ncc_inbox_shed_total", "Events of strangers that were left to the next catch-up");
  const junk = gauge("ncc_strangers_events", "Events kept of people who never ordered");
  const junkBytes = gauge("ncc_strangers_bytes", "What those take, in bytes");
  const wallet = gauge("ncc_wallet_up", "Whether the wallet answered last");
  build.set({ version: live.version }, 1);
  started.set(live.startedAt / 1000);

  return async () => {
    const counts = await readCounts(database.kysely);
    for (const state of paymentStates) orders.set({ payment: state }, counts.orders[state] ?? 0);

    received.set(counts.receivedMsat);
    unmatched.set(counts.unmatchedPayments);
    held.set(counts.heldUnits);
    inbox.set(counts.inboxWaiting);
    outbox.set({ state: "pending" }, counts.outboxPending);
    outbox.set({ state: "failed" }, counts.outboxFailed);
    for (const [state, count] of Object.entries(await countJobs(database.kysely))) jobs.set({ state }, count);
    for (const relay of live.relays()) {
      const labels = { merchant: relay.merchant, relay: relay.url };
      connected.set(labels, relay.connected ? 1 : 0);
      caughtUp.set(labels, relay.caughtUp ? 1 : 0);
      deaf.set(labels, relay.deaf ? 1 : 0);
      foundDeaf.set(labels, relay.foundDeaf);
      refusing.set(labels, relay.refusing ? 1 : 0);
      hidden.set(labels, relay.hidden);
      if (relay.lastEventAt !== null) lastEvent.set(labels, relay.lastEventAt / 1000);
      reconnects.set(labels, relay.reconnects);
    }
    for (const [result, count] of Object.entries(live.events())) events.set({ result }, count);
    for (const [policy, count] of Object.entries(live.refusals())) refused.set({ policy }, count);
    clients.set(live.relayConnections());
    for (const [reason, count] of Object.entries(live.relayRefusals())) turnedAway.set({ reason }, count);
    const strangers = live.strangers();
    shed.set(strangers.left);
    junk.set(strangers.events);
    junkBytes.set(strangers.bytes);
    const up = live.walletUp();
    if (up !== null) wallet.set(up ? 1 : 0);
    return await registry.metrics();
  };
}
