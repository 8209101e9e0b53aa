import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { recordingLog } from "../support/log.ts";
import { TestApi } from "./test_api.ts";

const stall = { name: "Tea", currency: "EUR" };

Deno.test("an unknown path is 404, a known one with another method 405 with what it takes", async () => {
  await using api = await TestApi.open();
  const unknown = await api.get("/nothing");
  assertEquals([unknown.status, unknown.body.code], [404, "not_found"]);
  const cases: [method: string, path: string, allow: string][] = [
    ["PATCH", "/api/v1/stalls", "GET, HEAD, POST"],
    ["POST", "/api/v1/stalls/some%2Fid", "DELETE, GET, HEAD, PUT"],
    ["GET", "/api/v1/demo/settle", "POST"],
    ["DELETE", "/healthz", "GET, HEAD"],
  ];
  for (const [method, path, allow] of cases) {
    const { status, headers, body } = await api.ask(method, path);
    assertEquals([status, body.code, headers.get("allow")], [405, "method_not_allowed", allow], path);
  }
});

Deno.test("a refusal is a problem document that names its request", async () => {
  await using api = await TestApi.open();
  const { status, headers, body } = await api.get("/stalls/nothing");
  assertEquals(headers.get("content-type"), "application/problem+json");
  assertEquals(Object.keys(body).sort(), [
    "code",
    "detail",
    "errors",
    "request_id",
    "status",
    "title",
    "type",
  ]);
  assertEquals([status, body.status, body.title], [404, 404, "Not found"]);
  assertMatch(body.request_id, /^[0-9a-f-]{36}$/);
  assertEquals(headers.get("x-request-id"), body.request_id);
});

Deno.test("a body that isn't JSON is 400, one of another kind 415, one too many bytes 413", async () => {
  await using api = await TestApi.open();
  const type = { "content-type": "application/json" };
  const long = "x".repeat(1_000_001);
  const post = (raw: BodyInit, headers: Record<string, string> = type) =>
    api.ask("POST", "/api/v1/stalls", { raw, headers });
  assertEquals((await post("{")).status, 400);
  assertEquals((await post('"x"')).status, 422);
  assertEquals((await post(JSON.stringify(stall), { "content-type": "text/plain" })).status, 415);
  assertEquals((await post(JSON.stringify(stall), {})).status, 415);
  assertEquals((await post(long)).status, 413);
  assertEquals((await post(long, { ...type, "content-length": "1000001" })).status, 413);
  const fits = JSON.stringify({ ...stall, description: "é".repeat(1_000) });
  assertEquals((await post(fits)).status, 201);
  assertEquals((await post(chunks(fits, 100))).status, 201);
  const endless = await post(chunks(long, 1_000));
  assertEquals([endless.status, endless.body.code], [413, "too_large"]);
});

Deno.test("a body that never ends is given up after 30 s", async () => {
  await using api = await TestApi.open();
  let cancelled = false;
  const stuck = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
    cancel: () => void (cancelled = true),
  });
  const answer = api.ask("POST", "/api/v1/stalls", {
    raw: stuck,
    headers: { "content-type": "application/json" },
  });
  await settle();
  await api.clock.advance(30_000);
  assertEquals((await answer).status, 408);
  assert(cancelled);
});

Deno.test("a body whose connection breaks is no fault of ours", async () => {
  const { log, lines } = recordingLog();
  await using api = await TestApi.open({ log });
  const raw = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error("gone")) });
  const { status } = await api.ask("POST", "/api/v1/stalls", {
    raw,
    headers: { "content-type": "application/json" },
  });
  assertEquals([status, lines.filter((line) => line.level === "error")], [400, []]);
});

Deno.test("who doesn't show who they are isn't listened to: their body stays unread", async () => {
  await using api = await TestApi.open();
  let read = false;
  const raw = new ReadableStream<Uint8Array>({ pull: () => void (read = true) }, { highWaterMark: 0 });
  const { status } = await api.ask("POST", "/api/v1/stalls", { raw, authorization: null });
  assertEquals([status, read], [401, false]);
});

Deno.test("unknown fields and parameters are refused by name, wrong ones by their place", async () => {
  await using api = await TestApi.open();
  const wrong = await api.post("/stalls", {
    ...stall,
    shiping: [],
    shipping: [{ cost: 1 }, { cost: -1, "a/b~c": 1 }],
  });
  assertEquals(wrong.status, 422);
  assertEquals(wrong.body.errors.map((one: { pointer: string }) => one.pointer), [
    "/shipping/1/cost",
    "/shipping/1/a~1b~0c",
    "/shiping",
  ]);
  for (const path of ["/orders?pament=paid", "/stalls/x?merchnt=1", "/relays?limit=1"]) {
    assertEquals((await api.get(path)).status, 422, path);
  }
  assertEquals((await api.post("/stalls?merchant=x", stall)).status, 422);
  const limit = await api.get("/orders?limit=201");
  assertEquals(limit.body.errors, [{ pointer: "/limit", detail: "must be a whole number from 1 to 200" }]);
});

Deno.test("an empty body is as good as {} where nothing must be said", async () => {
  await using api = await TestApi.open();
  const path = `/api/v1/merchants/${api.merchant}/publish`;
  assertEquals((await api.ask("POST", path)).status, 200);
  assertEquals((await api.ask("POST", path, { body: { all: true } })).status, 422);
});

Deno.test("a request for another host is refused: this machine's names and the public one are ours", async () => {
  await using api = await TestApi.open({
    settings: { NCC_PUBLIC_URL: "https://shop.example", NCC_HOST: "0.0.0.0" },
  });
  const status = async (url: string) => (await api.ask("GET", url, { authorization: null })).status;
  for (
    const ours of [
      "http://127.0.0.1:8787",
      "http://localhost",
      "http://[::1]:1",
      "http://127.9.9.9",
      "https://shop.example",
    ]
  ) {
    assertEquals(await status(`${ours}/healthz`), 200, ours);
  }
  for (
    const theirs of [
      "http://evil.example",
      "http://localhost.evil.example",
      "http://0.0.0.0:8787",
      "http://192.168.1.7",
    ]
  ) {
    assertEquals(await status(`${theirs}/healthz`), 421, theirs);
    assertEquals(await status(`${theirs}/relay`), 421, theirs);
  }
});

Deno.test("every route answers with headers that let no browser frame, sniff or keep it", async () => {
  await using api = await TestApi.open();
  const paths = [
    "/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/relay",
    "/api/v1/orders",
    "/api/v1/x",
  ];
  for (const path of paths) {
    const { headers } = await api.ask("GET", path);
    assertEquals(headers.get("x-content-type-options"), "nosniff", path);
    assertEquals(headers.get("x-frame-options"), "DENY", path);
    assertEquals(headers.get("cache-control"), "no-store", path);
    assertStringIncludes(headers.get("content-security-policy")!, "frame-ancestors 'none'", path);
    assertMatch(headers.get("x-request-id")!, /^[0-9a-f-]{36}$/, path);
  }
});

Deno.test("a fault of ours is a 500 without details; the log has them under the request's id", async () => {
  const { log, lines } = recordingLog();
  await using api = await TestApi.open({ log });
  await api.app.database.transaction((tx) => tx.schema.dropTable("stalls").execute());
  const { status, body } = await api.get("/stalls");
  assertEquals([status, body.code], [500, "internal"]);
  assert(!JSON.stringify(body).includes("stalls"));
  const fault = lines.find((line) => line.event === "api.fault")!;
  assertEquals(fault.fields.request_id, body.request_id);
  assertStringIncludes(String(fault.fields.error), "stalls");
});

Deno.test("what changes something is in the audit trail, with who did it; looks aren't", async () => {
  await using api = await TestApi.open();
  await api.get("/stalls");
  await api.post("/stalls", stall);
  await api.post("/stalls", {});
  const rows = await api.app.database.kysely.selectFrom("audit").selectAll().orderBy("seq").execute();
  assertEquals(rows.map(({ actor, method, path, status }) => [actor, method, path, status]), [
    ["admin", "POST", "/api/v1/stalls", 201],
    ["admin", "POST", "/api/v1/stalls", 422],
  ]);
});

function chunks(text: string, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += size));
    },
  });
}
