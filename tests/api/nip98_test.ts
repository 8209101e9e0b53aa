import { assertEquals, assertStringIncludes } from "@std/assert";
import { getToken, hashPayload } from "nostr-tools/nip98";
import { type EventTemplate, finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { npubEncode } from "nostr-tools/nip19";
import { BASE, TestApi } from "./test_api.ts";

const owner = generateSecretKey();
const stranger = generateSecretKey();
const owners = { NCC_OWNERS: npubEncode(getPublicKey(owner)) };
const URL_OF_STALLS = `${BASE}/api/v1/stalls`;

/** What nostr-tools' own client sends. */
function token(url: string, method: string, payload?: Record<string, unknown>, key = owner): Promise<string> {
  return getToken(url, method, (event: EventTemplate) => finalizeEvent(event, key), true, payload);
}

/** A header around an event that is otherwise than it should be. */
function forged(change: Partial<EventTemplate>, key = owner): string {
  const event = finalizeEvent({
    kind: 27235,
    created_at: Math.floor(Date.now() / 1000),
    content: "",
    tags: [["u", URL_OF_STALLS], ["method", "GET"]],
    ...change,
  }, key);
  return `Nostr ${btoa(JSON.stringify(event))}`;
}

Deno.test("an owner's client looks and writes; the audit trail has the owner's key", async () => {
  await using api = await TestApi.open({ settings: owners });
  const look = await api.get("/stalls", { authorization: await token(URL_OF_STALLS, "get") });
  assertEquals(look.status, 200);
  const body = { name: "Tea", currency: "sat" };
  const made = await api.post("/stalls", body, { authorization: await token(URL_OF_STALLS, "POST", body) });
  assertEquals(made.status, 201);
  const query = `${URL_OF_STALLS}?limit=1`;
  assertEquals((await api.ask("GET", query, { authorization: await token(query, "GET") })).status, 200);
  const row = await api.app.database.kysely.selectFrom("audit").select("actor").executeTakeFirstOrThrow();
  assertEquals(row.actor, getPublicKey(owner));
});

Deno.test("the public URL is what counts when there is one", async () => {
  await using api = await TestApi.open({ settings: { ...owners, NCC_PUBLIC_URL: "https://shop.example/" } });
  const local = await api.get("/stalls", { authorization: await token(URL_OF_STALLS, "GET") });
  assertEquals(local.status, 401);
  assertStringIncludes(local.body.detail, "https://shop.example/api/v1/stalls");
  const named = await token("https://shop.example/api/v1/stalls", "GET");
  assertEquals((await api.get("/stalls", { authorization: named })).status, 200);
});

Deno.test("another URL, method, kind, or a doubled tag is refused", async () => {
  await using api = await TestApi.open({ settings: owners });
  const u = ["u", URL_OF_STALLS];
  const method = ["method", "GET"];
  const wrong: Record<string, Partial<EventTemplate>> = {
    "path": { tags: [["u", `${BASE}/api/v1/orders`], method] },
    "host": { tags: [["u", "http://evil.example/api/v1/stalls"], method] },
    "query": { tags: [["u", `${URL_OF_STALLS}?limit=1`], method] },
    "no u": { tags: [method] },
    "two u": { tags: [u, u, method] },
    "method": { tags: [u, ["method", "POST"]] },
    "no method": { tags: [u] },
    "two methods": { tags: [u, method, ["method", "POST"]] },
    "kind": { kind: 1 },
  };
  for (const [what, change] of Object.entries(wrong)) {
    const { status, headers } = await api.get("/stalls", { authorization: forged(change) });
    assertEquals([status, headers.get("www-authenticate")], [401, "Bearer, Nostr"], what);
  }
  assertEquals((await api.get("/stalls", { authorization: forged({}) })).status, 200);
  // One way of writing a URL is as good as another.
  const tags = [["u", "HTTP://127.0.0.1:8787/api/v1/./stalls"], method];
  assertEquals((await api.get("/stalls", { authorization: forged({ tags }) })).status, 200);
});

Deno.test("the date may be 60 s off, both ways, and no more", async () => {
  await using api = await TestApi.open({ settings: owners });
  const now = Math.floor(api.clock.now() / 1000);
  for (const [off, status] of [[-61, 401], [-60, 200], [60, 200], [61, 401], [86_400 * 365, 401]] as const) {
    const answer = await api.get("/stalls", { authorization: forged({ created_at: now + off }) });
    assertEquals(answer.status, status, `${off} s`);
  }
});

Deno.test("an event is good for one request, as long as its date would do", async () => {
  await using api = await TestApi.open({ settings: owners });
  const authorization = forged({ created_at: Math.floor(api.clock.now() / 1000) + 60 });
  assertEquals((await api.get("/stalls", { authorization })).status, 200);
  for (const ms of [0, 60_000, 60_000]) {
    api.clock.jump(ms);
    const again = await api.get("/stalls", { authorization });
    assertEquals([again.status, again.body.detail.includes("used before")], [401, true], `${ms} ms later`);
  }
  const row = await api.app.database.kysely.selectFrom("replays").select("expires_at")
    .executeTakeFirstOrThrow();
  const event = JSON.parse(atob(authorization.slice("Nostr ".length)));
  // Housekeeping forgets it only when its date is too old anyway.
  assertEquals(row.expires_at > (event.created_at + 61) * 1000, true);
});

Deno.test("twenty replays at once: one gets through", async () => {
  await using api = await TestApi.open({ settings: owners });
  const authorization = forged({});
  const all = await Promise.all(Array.from({ length: 20 }, () => api.get("/stalls", { authorization })));
  assertEquals(all.filter((one) => one.status === 200).length, 1);
});

Deno.test("a body must be the one that was signed for", async () => {
  await using api = await TestApi.open({ settings: owners });
  const body = { name: "Tea", currency: "sat" };
  const post = (tags: string[][]) =>
    api.post("/stalls", body, {
      authorization: forged({ tags: [["u", URL_OF_STALLS], ["method", "POST"], ...tags] }),
    });
  assertEquals((await post([])).status, 401);
  assertEquals((await post([["payload", hashPayload({ ...body, name: "Coffee" })]])).status, 401);
  assertEquals((await post([["payload", hashPayload(body)], ["payload", hashPayload(body)]])).status, 401);
  assertEquals((await post([["payload", hashPayload(body).toUpperCase()]])).status, 201);
  assertEquals((await api.get("/stalls")).body.data.length, 1);
});

Deno.test("a stranger with a good signature is 403, a bad signature 401, and rubbish too", async () => {
  await using api = await TestApi.open({ settings: owners });
  const theirs = await api.get("/stalls", {
    authorization: await token(URL_OF_STALLS, "GET", undefined, stranger),
  });
  assertEquals([theirs.status, theirs.body.code], [403, "not_an_owner"]);

  const event = JSON.parse(atob(forged({}).slice("Nostr ".length)));
  const claims = { ...event, pubkey: getPublicKey(stranger) };
  const altered = { ...event, content: "x" };
  const unsigned = { ...event, sig: "0".repeat(128) };
  for (const bad of [claims, altered, unsigned, {}, [], null, { ...event, tags: "u" }]) {
    const authorization = `Nostr ${btoa(JSON.stringify(bad))}`;
    assertEquals((await api.get("/stalls", { authorization })).status, 401, JSON.stringify(bad));
  }
  for (
    const rubbish of ["Nostr", "Nostr %%%", `Nostr ${btoa("x".repeat(9_000))}`, "Basic YTpi", "Nostr a b"]
  ) {
    assertEquals((await api.get("/stalls", { authorization: rubbish })).status, 401, rubbish.slice(0, 20));
  }
});

Deno.test("without owners nobody gets in by NIP-98; the key of the shop itself is no owner", async () => {
  await using api = await TestApi.open();
  assertEquals((await api.get("/stalls", { authorization: forged({}) })).status, 403);
});
