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
    lastEventAt: number | null;
    reconnects: number;
  }[];
  /** Refused events since start, by the policy that refused. */
  refusals(): Record<string, number>;
  /** Events from relays since start. */
  events(): { received: number; duplicates: number; invalid: number };
  relayConnections(): number;
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
      if (relay.lastEventAt !== null) lastEvent.set(labels, relay.lastEventAt / 1000);
      reconnects.set(labels, relay.reconnects);
    }
    for (const [result, count] of Object.entries(live.events())) events.set({ result }, count);
    for (const [policy, count] of Object.entries(live.refusals())) refused.set({ policy }, count);
    clients.set(live.relayConnections());
    const up = live.walletUp();
    if (up !== null) wallet.set(up ? 1 : 0);
    return await registry.metrics();
  };
}
