import { assert, assertEquals } from "@std/assert";
import { getToken } from "nostr-tools/nip98";
import { type EventTemplate, finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { BASE, TestApi } from "./test_api.ts";

interface Operation {
  operationId: string;
  security?: unknown[];
  requestBody?: unknown;
}

/** What each operation answers to who may ask, with nothing there and `{}` as the body. A new operation must be added here. */
const expected: Record<string, number> = {
  relay: 200,
  health: 200,
  readiness: 503,
  metrics: 200,
  openapi: 200,
  listMerchants: 200,
  createMerchant: 422,
  getMerchant: 200,
  changeMerchant: 200,
  publishMerchant: 200,
  pauseMerchant: 200,
  resumeMerchant: 200,
  moveMerchant: 422,
  listStalls: 200,
  createStall: 422,
  getStall: 404,
  replaceStall: 422,
  deleteStall: 404,
  listProducts: 200,
  createProduct: 422,
  getProduct: 404,
  replaceProduct: 422,
  deleteProduct: 404,
  changeStock: 422,
  listOrders: 200,
  getOrder: 404,
  getOrderTimeline: 404,
  shipOrder: 404,
  deliverOrder: 404,
  cancelOrder: 422,
  acceptOrder: 404,
  resendOrder: 404,
  listPayments: 200,
  listUnmatchedPayments: 200,
  assignPayment: 422,
  listNotices: 200,
  listConditions: 200,
  listMessages: 200,
  sendMessage: 422,
  listRelays: 200,
  listJobs: 200,
  listBackups: 200,
  createBackup: 409,
  getRestore: 200,
  confirmRestore: 409,
  retryJob: 404,
  settleDemoInvoice: 422,
};
/** Without a token (design §9). */
const open = new Set(["relay", "health", "readiness", "openapi"]);

Deno.test("every operation lets in who may, and nobody else", async () => {
  const owner = generateSecretKey();
  const stranger = generateSecretKey();
  await using api = await TestApi.open({ settings: { NCC_OWNERS: getPublicKey(owner) } });
  const { body: document } = await api.ask("GET", "/openapi.json", { authorization: null });
  const seen = new Set<string>();
  for (const [template, item] of Object.entries<Record<string, Operation>>(document.paths)) {
    const path = template.replace("{pubkey}", api.merchant).replace("/jobs/{id}", "/jobs/999999").replace(
      "{id}",
      "none",
    );
    for (const [verb, operation] of Object.entries(item)) {
      const method = verb.toUpperCase();
      const { operationId } = operation;
      seen.add(operationId);
      const status = expected[operationId];
      assert(status !== undefined, `${operationId} is not in this test's table`);
      const body = operation.requestBody === undefined ? undefined : {};
      const signed = (key: Uint8Array) =>
        getToken(`${BASE}${path}`, method, (event: EventTemplate) => finalizeEvent(event, key), true, body);
      const free = open.has(operationId);
      assertEquals(operation.security?.length === 0, free, `${operationId}: security`);
      const cases: [who: string, authorization: string | null, status: number][] = [
        ["nobody", null, free ? status : 401],
        ["a wrong token", `Bearer ${"x".repeat(43)}`, free ? status : 401],
        ["an empty token", "Bearer ", free ? status : 401],
        ["a stranger", await signed(stranger), free ? status : 403],
        ["the token", `Bearer ${api.app.adminToken}`, status],
        ["an owner", await signed(owner), status],
      ];
      for (const [who, authorization, wanted] of cases) {
        const answer = await api.ask(method, path, { authorization, ...(body && { body }) });
        assertEquals(answer.status, wanted, `${operationId} for ${who}: ${JSON.stringify(answer.body)}`);
        // What a refusal of access says is the same wherever it is.
        if (wanted === 401 || wanted === 403) assertEquals(Object.keys(answer.body).length, 7);
      }
    }
  }
  assertEquals([...seen].sort(), Object.keys(expected).sort());
});
