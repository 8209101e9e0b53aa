import { assert, assertEquals } from "@std/assert";
import { getToken } from "nostr-tools/nip98";
import { type EventTemplate, finalizeEvent, generateSecretKey, getPublicKey } from "nostr-tools/pure";
import { type Scope, scopes } from "../../src/api/scopes.ts";
import { BASE, TestApi } from "./test_api.ts";
import { type Operation, operations, tokenFor } from "./walking.ts";

/** Without a token (design §9). */
const open = [
  "health",
  "lnurlCallback",
  "lnurlPay",
  "lnurlVerify",
  "medusaHook",
  "openapi",
  "payPage",
  "payState",
  "readiness",
  "relay",
  "walletHook",
];

/** Nothing of the sort is there, but for the merchant. */
function pathOf(api: TestApi, { path }: Operation): string {
  const pubkey = path.includes("/merchants/") ? api.merchant : "c".repeat(64);
  return path.replace("{pubkey}", pubkey).replace("/jobs/{id}", "/jobs/999999").replace(
    /\{(id|name)\}/,
    "none",
  );
}

Deno.test("every operation lets in who may, and nobody else", async () => {
  const owner = generateSecretKey();
  const stranger = generateSecretKey();
  await using api = await TestApi.open({ settings: { NCC_OWNERS: getPublicKey(owner) } });
  const all = await operations(api);
  assertEquals(all.filter((one) => one.scope === null).map((one) => one.id).sort(), open);
  for (const operation of all) {
    const { id, method, takesBody } = operation;
    const path = pathOf(api, operation);
    const body = takesBody ? {} : undefined;
    const signed = (key: Uint8Array) =>
      getToken(`${BASE}${path}`, method, (event: EventTemplate) => finalizeEvent(event, key), true, body);
    const cases: [who: string, authorization: string | null, refusal: number | null][] = [
      ["nobody", null, 401],
      ["a wrong token", `Bearer ${"x".repeat(43)}`, 401],
      ["an unknown token", `Bearer ncc_${"x".repeat(12)}_${"x".repeat(43)}`, 401],
      ["an empty token", "Bearer ", 401],
      ["a stranger", await signed(stranger), 403],
      ["the admin token", `Bearer ${api.app.adminToken}`, null],
      ["an owner", await signed(owner), null],
    ];
    for (const [who, authorization, refusal] of cases) {
      const answer = await api.ask(method, path, { authorization, ...(body && { body }) });
      const where = `${id} for ${who}: ${JSON.stringify(answer.body)}`;
      if (operation.scope !== null && refusal !== null) {
        assertEquals(answer.status, refusal, where);
        // What a refusal of access says is the same wherever it is.
        assertEquals(Object.keys(answer.body).length, 7);
      } else assert(![401, 403, 500].includes(answer.status), where);
    }
  }
});

Deno.test("a token of one scope opens the operations of this scope, and no others", async () => {
  await using api = await TestApi.open();
  const all = (await operations(api)).filter((one) => one.scope !== null);
  for (const { id, scope } of all) assert(scopes.includes(scope as Scope), `${id}: ${scope}`);
  for (const scope of scopes) {
    const authorization = await tokenFor(api, [scope]);
    for (const operation of all) {
      const { id, method, takesBody } = operation;
      const answer = await api.ask(method, pathOf(api, operation), {
        authorization,
        ...(takesBody && { body: {} }),
      });
      const where = `${id} with ${scope}: ${JSON.stringify(answer.body)}`;
      if (scope === "operator" || scope === operation.scope) {
        assert(![401, 403, 500].includes(answer.status), where);
      } else assertEquals([answer.status, answer.body.code], [403, "scope_missing"], where);
    }
  }
});
