import { assert, assertEquals, assertMatch } from "@std/assert";
import { DemoWallet } from "../../src/payments/demo_wallet.ts";
import { systemClock } from "../../src/clock.ts";
import { systemRandom } from "../../src/random.ts";
import { silentLog } from "../support/log.ts";
import { misfits, type Schema } from "./json_schema.ts";
import { keyPair } from "../support/keys.ts";
import { TestApi } from "./test_api.ts";

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: ({ $ref: string } | { name: string; in: string; required?: boolean; schema: Schema })[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, unknown>>;
}

async function documentOf(api: TestApi): Promise<Document> {
  return (await api.ask("GET", "/openapi.json", { authorization: null })).body;
}

Deno.test("openapi.json is OpenAPI 3.1: what it names is there, each operation once, path parameters declared", async () => {
  await using api = await TestApi.open();
  const document = await documentOf(api);
  assertMatch(document.openapi, /^3\.1\.\d$/);
  for (const reference of references(document)) {
    assert(resolve(document, reference) !== undefined, `${reference} leads nowhere`);
  }
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const where = `${method} ${path}`;
      assertMatch(method, /^(get|post|put|patch|delete)$/, where);
      assert(!ids.has(operation.operationId), `${operation.operationId} twice`);
      ids.add(operation.operationId);
      assert(operation.summary.length > 5 && operation.tags.length === 1, where);
      const parameters = (operation.parameters ?? []).map((one) =>
        "$ref" in one ? resolve(document, one.$ref) as { name: string; in: string } : one
      );
      const inPath = parameters.filter((one) => one.in === "path").map((one) => `{${one.name}}`);
      assertEquals(inPath, path.match(/\{[^}]+\}/g) ?? [], where);
      assertEquals(new Set(parameters.map((one) => `${one.in} ${one.name}`)).size, parameters.length, where);
      assertEquals(
        parameters.some((one) => one.name === "Idempotency-Key"),
        method === "post" && path.startsWith("/api/"),
        where,
      );
      for (const [status, response] of Object.entries(operation.responses)) {
        assert(response.description !== "", where);
        if (Number(status) >= 400 && path.startsWith("/api/")) {
          assertEquals(Object.keys(response.content!), ["application/problem+json"], `${where} ${status}`);
        }
      }
    }
  }
});

Deno.test("every route of the program is in the document", async () => {
  await using api = await TestApi.open();
  const { paths } = await documentOf(api);
  const { createApi } = await import("../../src/api/api.ts");
  // deno-lint-ignore no-explicit-any -- nothing of it is used before a request
  const { routes } = createApi({} as any);
  for (const { method, path } of routes) {
    if (method === "ALL") continue;
    const template = path.replace(/:([a-z]+)/g, "{$1}");
    assert(paths[template]?.[method.toLowerCase()], `${method} ${template} isn't documented`);
  }
});

Deno.test("the document says that bodies take no unknown field", async () => {
  await using api = await TestApi.open();
  const document = await documentOf(api);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      const schema = operation.requestBody?.content["application/json"]?.schema;
      if (schema === undefined) continue;
      for (const one of (schema as { anyOf?: Schema[] }).anyOf ?? [schema]) {
        assertEquals(one.additionalProperties, false, `${method} ${path}`);
      }
    }
  }
});

Deno.test("answers are as the document says", async () => {
  const wallet = new DemoWallet({ clock: systemClock, random: systemRandom, log: silentLog });
  await using api = await TestApi.open({ wallet });
  const document = await documentOf(api);
  await api.post("/stalls", { id: "tea", name: "Tea", currency: "EUR" });
  await api.post("/products", {
    id: "cup",
    stall_id: "tea",
    name: "Cup",
    price: "9.95",
    quantity: 3,
    specs: [["a", "b"]],
  });
  const order = await api.order();
  await api.post(`/orders/${order}/ship`, { carrier: "DHL" });
  await api.post("/messages", { customer: keyPair("alice").pubkey, body: "Hello" });
  const asked: [method: string, template: string, path?: string | undefined, body?: unknown][] = [
    ["get", "/healthz"],
    ["get", "/readyz"],
    ["get", "/api/v1/merchants"],
    ["get", "/api/v1/merchants/{pubkey}", `/api/v1/merchants/${api.merchant}`],
    ["post", "/api/v1/merchants", undefined, { name: "Second" }],
    ["get", "/api/v1/stalls"],
    ["get", "/api/v1/stalls/{id}", "/api/v1/stalls/tea"],
    ["get", "/api/v1/products"],
    ["post", "/api/v1/products/{id}/stock", "/api/v1/products/cup/stock", { add: -1 }],
    ["get", "/api/v1/orders"],
    ["get", "/api/v1/orders/{id}", `/api/v1/orders/${order}`],
    ["get", "/api/v1/orders/{id}/timeline", `/api/v1/orders/${order}/timeline`],
    ["get", "/api/v1/payments"],
    ["get", "/api/v1/messages"],
    ["get", "/api/v1/relays"],
    ["get", "/api/v1/jobs"],
    ["delete", "/api/v1/products/{id}", "/api/v1/products/cup"],
    ["get", "/api/v1/stalls/{id}", "/api/v1/stalls/none"],
    ["post", "/api/v1/stalls", undefined, {}],
  ];
  for (const [method, template, path, body] of asked) {
    const answer = await api.ask(method.toUpperCase(), path ?? template, body === undefined ? {} : { body });
    if (answer.body.data) assert(answer.body.data.length > 0 || template.endsWith("payments"), template);
    const response = document.paths[template]![method]!.responses[String(answer.status)];
    assert(response, `${method} ${template}: ${answer.status} isn't documented`);
    const type = answer.headers.get("content-type")!.split(";")[0]!;
    const schema = response.content![type]?.schema;
    assert(schema, `${method} ${template}: ${type} isn't documented`);
    const found = misfits(answer.body, schema, (reference) => resolve(document, reference) as Schema);
    assertEquals(found, [], `${method} ${template}`);
  }
});

function* references(value: unknown): Iterable<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, one] of Object.entries(value)) {
    if (key === "$ref" && typeof one === "string") yield one;
    else yield* references(one);
  }
}

function resolve(document: Document, reference: string): unknown {
  let at: unknown = document;
  for (const part of reference.replace(/^#\//, "").split("/")) at = (at as Record<string, unknown>)?.[part];
  return at;
}
