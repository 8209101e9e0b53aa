import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { matchFilters } from "nostr-tools/filter";
import { identityPublisher } from "../../src/catalog/identity.ts";
import { catalogPublisher } from "../../src/catalog/publisher.ts";
import type { Database } from "../../src/db/database.ts";
import { GiveUp, type JobHandlers, RetryLater } from "../../src/jobs/runner.ts";
import type { NostrIdentity } from "../../src/nostr/identity.ts";
import type { RelayPool } from "../../src/nostr/relay_pool.ts";
import type { MerchantSigner } from "../../src/nostr/signer.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { recordingLog } from "../support/log.ts";
import { Shop } from "./shop.ts";

/** A merchant whose jobs run when the test says so, and relays that are only lists of events. */
export class Press {
  readonly clock = new FakeClock();
  readonly log = recordingLog();
  readonly secretKey = generateSecretKey();
  readonly merchant = getPublicKey(this.secretKey);
  readonly handlers: JobHandlers;
  readonly relays: string[] = [];
  dmRelays: string[] = [];
  publicRelayUrl: string | null = null;
  /** What each relay holds; one that isn't here can't be read. */
  readonly holds = new Map<string, NostrEvent[]>();
  /** Reasons for which jobs gave up. */
  readonly dead: string[] = [];
  /** Reasons for which jobs wait. */
  readonly waiting: string[] = [];

  private constructor(readonly database: Database) {
    const deps = {
      database,
      clock: this.clock,
      log: this.log.log,
      identityOf: (pubkey: string) => pubkey === this.merchant ? this.#identity() : undefined,
    };
    this.handlers = {
      "catalog.publish": catalogPublisher(deps),
      "identity.publish": identityPublisher(deps),
    };
  }

  static async open(
    database: Database,
    o: { withoutIdentity: boolean } = { withoutIdentity: true },
  ): Promise<[Press, Shop]> {
    const press = new Press(database);
    const shop = await Shop.open(database, press.merchant, press.clock.now());
    if (o.withoutIdentity) await database.kysely.deleteFrom("jobs").execute();
    return [press, shop];
  }

  /** Signs as the merchant's other client would. */
  foreign(event: { kind: number; content: string; tags: string[][]; created_at: number }): NostrEvent {
    return finalizeEvent(event, this.secretKey);
  }

  /** Runs what is due, until nothing is. */
  async run(): Promise<void> {
    for (;;) {
      const job = await this.database.kysely.selectFrom("jobs").selectAll().where("state", "=", "ready")
        .where("run_at", "<=", this.clock.now()).orderBy("run_at").orderBy("id").executeTakeFirst();
      if (!job) return;
      await this.database.kysely.updateTable("jobs").set({ state: "running" }).where("id", "=", job.id)
        .execute();
      await this.#run(job);
    }
  }

  /** Moves time in steps and runs what is due after each. */
  async pass(ms: number, step = ms): Promise<void> {
    for (let passed = 0; passed < ms; passed += step) {
      await this.clock.advance(step);
      await this.run();
    }
  }

  /** All events posted so far, in that order, with the relays they go to. */
  async posted(): Promise<{ event: NostrEvent; relays: string[] }[]> {
    const rows = await this.database.kysely.selectFrom("outbox_events").selectAll().execute();
    const targets = await this.database.kysely.selectFrom("outbox").selectAll().orderBy("relay").execute();
    return rows.map((row) => ({
      event: JSON.parse(row.event) as NostrEvent,
      relays: targets.filter((target) => target.event_id === row.event_id).map((target) => target.relay),
      at: row.created_at,
    })).sort((a, b) => a.at - b.at || a.event.kind - b.event.kind || a.event.created_at - b.event.created_at)
      .map(({ event, relays }) => ({ event, relays }));
  }

  /** Kinds, ids and quantities of what was posted. */
  async told(): Promise<string[]> {
    return (await this.posted()).map(({ event }) => {
      if (event.kind === 5) {
        return `5 ${event.tags.find(([name]) => name === "a")![1]!.replace(this.merchant, "m")}`;
      }
      const { id, quantity } = JSON.parse(event.content);
      return `${event.kind} ${id}${quantity === undefined ? "" : ` ${quantity}`}`;
    });
  }

  /** Every relay has everything. */
  async deliver(): Promise<void> {
    await this.database.kysely.updateTable("outbox").set({ state: "delivered" }).execute();
  }

  async #run(job: { id: number; kind: string; payload: string; attempts: number }): Promise<void> {
    try {
      await this.handlers[job.kind]!.run({
        id: job.id,
        kind: job.kind,
        payload: JSON.parse(job.payload),
        attempt: job.attempts + 1,
        signal: new AbortController().signal,
        complete: () => Promise.reject(new Error("not used here")),
      });
      await this.database.kysely.deleteFrom("jobs").where("id", "=", job.id).execute();
    } catch (error) {
      if (error instanceof GiveUp) {
        this.dead.push(error.message);
        await this.database.kysely.updateTable("jobs").set({ state: "dead" }).where("id", "=", job.id)
          .execute();
      } else if (error instanceof RetryLater) {
        this.waiting.push(error.message);
        await this.database.kysely.updateTable("jobs").where("id", "=", job.id)
          .set({ state: "ready", attempts: job.attempts + 1, run_at: this.clock.now() + error.delayMs })
          .execute();
      } else throw error;
    }
  }

  #identity(): NostrIdentity {
    const { merchant: pubkey, secretKey, relays, dmRelays, publicRelayUrl } = this;
    const signer = {
      pubkey,
      signEvent: (template) => Promise.resolve(finalizeEvent(template, secretKey)),
    } as Partial<MerchantSigner> as MerchantSigner;
    const pool = {
      queryEach: (urls: readonly string[], filters: NostrFilter[]) =>
        Promise.resolve(urls.map((url) => {
          const events = this.holds.get(url);
          if (!events) return { url, ok: false as const, reason: "no answer" };
          return { url, ok: true as const, events: events.filter((event) => matchFilters(filters, event)) };
        })),
    } as Partial<RelayPool> as RelayPool;
    return { pubkey, signer, pool, relays, dmRelays, publicRelayUrl };
  }
}
