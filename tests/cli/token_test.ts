import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ncc, place } from "./cli.ts";

Deno.test("`ncc token` makes one, shown once, lists and revokes it", async () => {
  await using at = await place();
  const { environment } = at;
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const add = ["token", "add", "Till", "--scopes", "orders:read, messages:write", "--json"];
  const made = (await ncc(add, { environment })).json() as { id: string; token: string; scopes: string[] };
  assertMatch(made.token, /^ncc_/);
  assertEquals(made.scopes, ["orders:read", "messages:write"]);
  const listed = await ncc(["token", "list"], { environment });
  assertStringIncludes(listed.out, made.id);
  assertEquals(listed.out.includes(made.token.slice(17)), false);
  const wrong = await ncc(["token", "add", "x", "--scopes", "everything"], { environment });
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "scopes/0");
  assertEquals((await ncc(["token", "remove", made.id], { environment })).code, 0);
  assertEquals((await ncc(["token", "list"], { environment })).out.trim(), "No tokens.");
});
