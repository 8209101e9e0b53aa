import { assert, assertEquals, assertRejects } from "@std/assert";
import { RelayError } from "@nostrify/nostrify";
import { type Kysely, sql } from "kysely";
import { EventStore } from "../../src/nostr/event_store.ts";
import { onPostgres } from "../support/databases.ts";
import { ALICE, BOB, sample } from "./event_samples.ts";

// deno-lint-ignore no-explicit-any -- any tables will do
type AnyDb = Kysely<any>;

onPostgres("S3 the table is NPostgres': columns, checks and indexes by name", async (shared) => {
  const { kysely } = await shared.open();
  const columns = await sql<{ text: string }>`
    select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end as text
    from pg_attribute where attrelid = 'nostr_events'::regclass and attnum > 0 order by attnum`.execute(
    kysely,
  );
  assertEquals(columns.rows.map((row) => row.text), [
    "id character(64) not null",
    "kind integer not null",
    "pubkey character(64) not null",
    "content text not null",
    "created_at bigint not null",
    "tags jsonb not null",
    "tags_index jsonb not null",
    "sig character(128) not null",
    "d text",
    "search tsvector",
    "search_ext jsonb not null",
    "expires_at bigint",
  ]);
  const checks = await sql<
    { name: string; text: string }
  >`select conname as name, pg_get_constraintdef(oid) as text
    from pg_constraint where conrelid = 'nostr_events'::regclass order by conname`.execute(kysely);
  assertEquals(Object.fromEntries(checks.rows.map((row) => [row.name, row.text])), {
    nostr_events_created_chk: "CHECK ((created_at >= 0))",
    nostr_events_d_chk:
      "CHECK ((((kind >= 30000) AND (kind < 40000) AND (d IS NOT NULL)) OR (((kind < 30000) OR (kind >= 40000)) AND (d IS NULL))))",
    nostr_events_kind_chk: "CHECK ((kind >= 0))",
    nostr_events_pkey: "PRIMARY KEY (id)",
    nostr_events_search_ext_chk: "CHECK ((jsonb_typeof(search_ext) = 'object'::text))",
    nostr_events_tags_chk: "CHECK ((jsonb_typeof(tags) = 'array'::text))",
    nostr_events_tags_index_chk: "CHECK ((jsonb_typeof(tags_index) = 'object'::text))",
  });
  const indexes = await sql<{ name: string; text: string }>`select indexname as name, indexdef as text
    from pg_indexes where tablename = 'nostr_events' order by indexname`.execute(kysely);
  const definition = (text: string) =>
    text.replace(/^CREATE (UNIQUE )?INDEX \w+ ON public.nostr_events USING /, "$1");
  const replaceable = "WHERE (((kind >= 10000) AND (kind < 20000)) OR (kind = ANY (ARRAY[0, 3])))";
  assertEquals(Object.fromEntries(indexes.rows.map((row) => [row.name, definition(row.text)])), {
    nostr_events_created_kind_idx: "btree (created_at DESC, id, kind, pubkey)",
    nostr_events_deletions_idx: "gin (tags jsonb_path_ops) WHERE (kind = 5)",
    nostr_events_expires_idx: "btree (expires_at) WHERE (expires_at IS NOT NULL)",
    nostr_events_parameterized_idx:
      "UNIQUE btree (kind, pubkey, d) WHERE ((kind >= 30000) AND (kind < 40000))",
    nostr_events_pkey: "UNIQUE btree (id)",
    nostr_events_pubkey_created_idx: "btree (pubkey, created_at DESC, id, kind)",
    nostr_events_replaceable_idx: `UNIQUE btree (kind, pubkey) ${replaceable}`,
    nostr_events_search_ext_idx: "gin (search_ext)",
    nostr_events_search_idx: "gin (search)",
    nostr_events_tags_idx: "gin (tags_index)",
  });
});

onPostgres(
  "S3 a table that NPostgres made is opened, its rows are found, expire and stay deleted",
  async (shared) => {
    const { kysely } = await shared.open();
    await sql`create table nostr_events (id char(64) primary key, kind integer not null, pubkey char(64) not null,
    content text not null, created_at bigint not null, tags jsonb not null, tags_index jsonb not null, sig char(128) not null,
    d text, search tsvector, search_ext jsonb not null)`.execute(kysely);
    const deleted = sample({ content: "deleted" });
    const [kept, gone, deletion] = [
      sample({ tags: [["t", "x"]] }),
      sample({ tags: [["t", "x"], ["expiration", "150"]] }),
      sample({ kind: 5, tags: [["e", deleted.id]] }),
    ];
    for (const event of [kept, gone, deletion]) await insertAsNPostgres(kysely, event);
    let now = 100;
    const store = new EventStore(kysely, { now: () => now });
    await store.migrate();
    assertEquals((await store.query([{ "#t": ["x"] }])).length, 2);
    await insertAsNPostgres(kysely, sample({ content: "later", tags: [["t", "x"], ["expiration", "150"]] }));
    now = 150;
    assertEquals(await store.query([{ "#t": ["x"] }]), [kept]);
    await assertRejects(() => store.event(deleted), RelayError, "deleted");
  },
  { migrated: false },
);

onPostgres(
  "E8 an event that arrives while its deletion is under way is refused after that",
  async (shared) => {
    const [here, there] = [await shared.open(), await shared.open()];
    const event = sample({ tags: [["t", "x"]] });
    let arriving: Promise<unknown> | undefined;
    await here.transaction(async (tx) => {
      await new EventStore(tx).event(sample({ kind: 5, tags: [["e", event.id]] }));
      arriving = there.transaction((tx) => new EventStore(tx).event(event)).then(
        () => "stored",
        (error) => error,
      );
      await untilWaiting(tx);
    });
    assert(await arriving instanceof RelayError);
    assertEquals(await new EventStore(here.kysely).query([{ kinds: [1] }]), []);
  },
);

onPostgres("E8 a deletion that arrives while its event is being stored removes it", async (shared) => {
  const [here, there] = [await shared.open(), await shared.open()];
  const event = sample({ kind: 30018, tags: [["d", "x"]] });
  let deleting: Promise<void> | undefined;
  await here.transaction(async (tx) => {
    await new EventStore(tx).event(event);
    deleting = there.transaction((tx) =>
      new EventStore(tx).event(sample({ kind: 5, tags: [["a", `30018:${ALICE}:x`]] }))
    );
    await untilWaiting(tx);
  });
  await deleting;
  assertEquals(await new EventStore(here.kysely).query([{ kinds: [30018] }]), []);
});

onPostgres("E8 a deletion doesn't hold up other authors' events", async (shared) => {
  const [here, there] = [await shared.open(), await shared.open()];
  await here.transaction(async (tx) => {
    await new EventStore(tx).event(sample({ kind: 5, tags: [["e", sample().id]] }));
    await there.transaction((tx) => new EventStore(tx).event(sample({ pubkey: BOB }), { timeout: 2000 }));
  });
});

onPostgres("E3 of versions that arrive at the same time the newest stays", async (shared) => {
  const databases = [await shared.open(), await shared.open()];
  const versions = Array.from(
    { length: 20 },
    (_, i) => sample({ kind: 30018, created_at: i, tags: [["d", "x"]] }),
  );
  await Promise.all(versions.map((event, i) => new EventStore(databases[i % 2]!.kysely).event(event)));
  assertEquals((await new EventStore(databases[0]!.kysely).query([{}])).map((event) => event.created_at), [
    19,
  ]);
});

onPostgres("E9, Q7, T1 what waits longer than its timeout ends, and nothing after it", async (shared) => {
  const [here, there] = [await shared.open(), await shared.open()];
  const store = new EventStore(there.kysely);
  const timeout = 30;
  await here.kysely.transaction().execute(async (trx) => {
    await sql`lock table nostr_events in access exclusive mode`.execute(trx);
    await assertRejects(() => store.event(sample(), { timeout }), RelayError, "error: ");
    await assertRejects(() => store.query([{}], { timeout }), Error, "statement timeout");
    await assertRejects(() => store.count([{}], { timeout }), Error, "statement timeout");
    await assertRejects(() => store.remove([{}], { timeout }), Error, "statement timeout");
    assertEquals((await Array.fromAsync(store.req([{}], { timeout }))).map(([verb]) => verb), ["CLOSED"]);
  });
  const ten = <T>(fn: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, fn));
  await ten(() => store.event(sample(), { timeout: 60_000 }));
  const limits = await ten(() => limitOf(there.kysely));
  assertEquals(new Set(limits), new Set(["0"]));
});

onPostgres(
  "Q7 a timeout inside a transaction leaves the transaction and its own limit usable",
  async (shared) => {
    const [here, there] = [await shared.open(), await shared.open()];
    await there.transaction(async (tx) => {
      await sql`set local statement_timeout = 50000`.execute(tx);
      const store = new EventStore(tx);
      await here.kysely.transaction().execute(async (trx) => {
        await sql`lock table nostr_events in access exclusive mode`.execute(trx);
        await assertRejects(() => store.query([{}], { timeout: 30 }), Error, "statement timeout");
        await assertRejects(() => store.event(sample(), { timeout: 30 }), RelayError, "error: ");
      });
      await store.event(sample(), { timeout: 5000 });
      assertEquals(await limitOf(tx), "50s");
    });
    assertEquals((await new EventStore(here.kysely).count([{}])).count, 1);
  },
);

onPostgres(
  "Q8 a query that waits rejects once its signal is aborted and its statement has ended",
  async (shared) => {
    const [here, there] = [await shared.open(), await shared.open()];
    const abort = new AbortController();
    let outcome: Promise<string> | undefined;
    await here.kysely.transaction().execute(async (trx) => {
      await sql`lock table nostr_events in access exclusive mode`.execute(trx);
      const asked = new EventStore(there.kysely).query([{}], { signal: abort.signal });
      outcome = asked.then(() => "found", (error) => error.message);
      await untilWaiting(trx);
      abort.abort(new Error("enough"));
    });
    assertEquals(await outcome, "enough");
  },
);

async function insertAsNPostgres(kysely: AnyDb, event: ReturnType<typeof sample>): Promise<void> {
  const index: Record<string, string[]> = {};
  for (const [name, value] of event.tags) if (name?.length === 1 && value) (index[name] ??= []).push(value);
  await kysely.insertInto("nostr_events").values({
    ...event,
    tags: sql`${JSON.stringify(event.tags)}::text::jsonb`,
    tags_index: sql`${JSON.stringify(index)}::text::jsonb`,
    search_ext: sql`'{}'::jsonb`,
  }).execute();
}

/** Waits until some other connection waits for a lock. */
async function untilWaiting(db: AnyDb): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    const { rows } =
      await sql`select 1 from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())
      or (not granted and locktype = 'transactionid')`.execute(db);
    if (rows.length > 0) return;
  }
  throw new Error("nobody waits");
}

async function limitOf(db: AnyDb): Promise<string> {
  const { rows } = await sql<{ limit: string }>`select current_setting('statement_timeout') as limit`.execute(
    db,
  );
  return rows[0]!.limit;
}
