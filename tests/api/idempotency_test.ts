import { assert, assertEquals } from "@std/assert";
import { Hono } from "@hono/hono";
import type { ApiEnv, ApiParts } from "../../src/api/context.ts";
import { idempotent, SECRET_HEADER } from "../../src/api/idempotency.ts";
import { newApi } from "../../src/api/new_api.ts";
import { refuseAsProblems } from "../../src/api/refusals.ts";
import type { Database } from "../../src/db/database.ts";
import { SecretBox } from "../../src/nostr/sealed_secrets.ts";
import { systemRandom } from "../../src/random.ts";
import { onEachDatabase } from "../support/databases.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

const key = (text: string) => ({ headers: { "idempotency-key": text } });
const count = async (api: TestApi) => (await api.get("/stalls")).body.data.length;

Deno.test("a repeat gets the same answer and does nothing", async () => {
  await using api = await TestApi.open();
  const stall = { name: "Tea", currency: "EUR" };
  const first = await api.post("/stalls", stall, key("one"));
  const again = await api.post("/stalls", stall, key("one"));
  assertEquals([again.status, again.body], [201, first.body]);
  assertEquals(again.headers.get("idempotent-replay"), "true");
  // It may show customers' data, which stands in no table but those that are meant for it.
  const [kept] = await api.app.database.kysely.selectFrom("idempotency").select("body").execute();
  assert(!kept!.body!.includes("Tea"));
  assertEquals(await count(api), 1);
  assertEquals((await api.post("/stalls", stall, key("two"))).status, 201);
  assertEquals((await api.post("/stalls", stall)).status, 201);
  assertEquals(await count(api), 3);
});

Deno.test("a refusal is repeated too, even when it would be none any more", async () => {
  await using api = await TestApi.open();
  const product = { stall_id: "tea", name: "Cup", price: 1, quantity: 1 };
  const refused = await api.post("/products", product, key("one"));
  assertEquals(refused.status, 422);
  await api.post("/stalls", { id: "tea", name: "Tea", currency: "sat" });
  const again = await api.post("/products", product, key("one"));
  assertEquals([again.status, again.body], [422, refused.body]);
  assertEquals(again.headers.get("content-type"), "application/problem+json");
  assertEquals((await api.post("/products", product, key("two"))).status, 201);
});

Deno.test("a key belongs to one body, path, query and actor", async () => {
  await using api = await TestApi.open();
  const a = { id: "a", name: "Tea", currency: "sat" };
  await api.post("/stalls", a, key("one"));
  const other = await api.post("/stalls", { ...a, name: "Coffee" }, key("one"));
  assertEquals([other.status, other.body.code], [422, "idempotency_key_reused"]);
  assertEquals((await api.post("/products", a, key("one"))).body.code, "invalid");
  assertEquals((await api.post("/stalls?x=1", a, key("one"))).body.code, "invalid");
  assertEquals((await api.post("/stalls", a, key(""))).status, 422);
  assertEquals((await api.post("/stalls", a, key("x".repeat(256)))).status, 422);
  assertEquals((await api.post("/stalls", { ...a, id: "b" }, key("x".repeat(255)))).status, 201);
});

Deno.test("a key on anything but POST means nothing", async () => {
  await using api = await TestApi.open();
  await api.post("/stalls", { id: "a", name: "Tea", currency: "sat" });
  for (const name of ["Tea 1", "Tea 2"]) {
    const body = { name, currency: "sat" };
    const { status } = await api.ask("PUT", "/api/v1/stalls/a", { body, ...key("one") });
    assertEquals(status, 200);
  }
  assertEquals((await api.get("/stalls/a")).body.name, "Tea 2");
});

Deno.test("of twenty at once one is carried out; the others get its answer or 409", async () => {
  await using api = await TestApi.open();
  const all = await Promise.all(
    Array.from({ length: 20 }, () => api.post("/stalls", { name: "Tea", currency: "sat" }, key("one"))),
  );
  assertEquals(await count(api), 1);
  assert(all.some((one) => one.status === 201));
  assert(
    all.every(({ status, body }) => status === 201 || (status === 409 && body.code === "still_running")),
  );
});

onEachDatabase(
  "while the first request runs a repeat is told so; its fault frees the key",
  async (database) => {
    const { app, work } = scene(database);
    const held = work.hold();
    const first = app.post("a", "{}");
    await held.begun;
    const meanwhile = await app.post("a", "{}");
    assertEquals([meanwhile.status, meanwhile.headers.get("retry-after")], [409, "1"]);
    assertEquals((await app.post("a", '{"b":1}')).status, 422);
    held.end(500);
    assertEquals((await first).status, 500);
    assertEquals((await app.post("a", "{}")).status, 200);
    assertEquals(work.done, 2);
  },
);

onEachDatabase("what a dead process left running blocks for two minutes, not for ever", async (database) => {
  const { app, work, clock } = scene(database);
  await database.transaction((tx) =>
    tx.insertInto("idempotency").values({
      actor: "admin",
      method: "POST",
      path: "/work",
      key: "a",
      body_hash: "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
      state: "running",
      status: null,
      body: null,
      created_at: clock.now(),
    }).execute()
  );
  assertEquals((await app.post("a", "{}")).status, 409);
  clock.jump(119_999);
  assertEquals((await app.post("a", "{}")).status, 409);
  clock.jump(1);
  assertEquals((await app.post("a", '{"b":1}')).status, 422);
  // PostgreSQL's connections are made when they are first needed: now ten can race.
  await Promise.all(Array.from({ length: 10 }, (_, i) => app.post(`before ${i}`, "{}")));
  work.done = 0;
  const all = await Promise.all(Array.from({ length: 10 }, () => app.post("a", "{}")));
  assertEquals(work.done, 1);
  assert(all.some((one) => one.status === 200));
  assertEquals((await app.post("a", "{}")).headers.get("idempotent-replay"), "true");
});

onEachDatabase("an answer with a secret isn't kept", async (database) => {
  const { app, work } = scene(database);
  work.secret = true;
  const first = await app.post("a", "{}");
  assertEquals([first.status, await first.text(), first.headers.get(SECRET_HEADER)], [200, "done 1", null]);
  const again = await app.post("a", "{}");
  assertEquals([again.status, (await again.json()).code], [409, "answer_not_kept"]);
  const row = await database.kysely.selectFrom("idempotency").selectAll().executeTakeFirstOrThrow();
  assertEquals([row.state, row.body], ["secret", null]);
});

/** The middleware around work that a test holds up. */
function scene(database: Database) {
  const clock = new FakeClock();
  const secrets = new SecretBox(new Uint8Array(32), systemRandom);
  const parts = { database, clock, log: silentLog, secrets } as unknown as ApiParts;
  const work = {
    done: 0,
    secret: false,
    held: undefined as { begun: () => void; status: Promise<number> } | undefined,
    /** The next request waits until it is ended. */
    hold() {
      const begun = Promise.withResolvers<void>();
      const status = Promise.withResolvers<number>();
      work.held = { begun: begun.resolve, status: status.promise };
      return { begun: begun.promise, end: status.resolve };
    },
  };
  const api = newApi();
  refuseAsProblems(api, parts);
  api.use(async (c, next) => {
    c.set("actor", "admin");
    c.set("requestId", "id");
    await next();
  });
  api.use(idempotent(parts));
  api.post("/work", async (c) => {
    work.done++;
    const { held } = work;
    work.held = undefined;
    held?.begun();
    const status = await held?.status ?? 200;
    if (status === 500) throw new Error("a fault");
    if (work.secret) c.header(SECRET_HEADER, "1");
    return c.text(`done ${work.done}`);
  });
  const app = {
    post: (idempotencyKey: string, body: string): Promise<Response> =>
      Promise.resolve(
        (api as Hono<ApiEnv>).fetch(
          new Request("http://localhost/work", {
            method: "POST",
            body,
            headers: { "idempotency-key": idempotencyKey },
          }),
        ),
      ),
  };
  return { app, work, clock };
}
