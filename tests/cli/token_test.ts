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

Deno.test("a token for invoices is shown with what its calls are signed with", async () => {
  await using at = await place();
  const { environment } = at;
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const add = [
    "token",
    "add",
    "Medusa",
    "--scopes",
    "invoices",
    "--notify-url",
    "https://shop.example/ncc/paid",
  ];
  const shown = await ncc([...add, "--max-sat", "5000"], { environment });
  assertMatch(shown.out, /^ncc_\S+\n\nIts calls are signed with: whsec_\S+\n/);
  const made = (await ncc([...add, "--max-sat", "5000", "--max-open", "7", "--json"], { environment }))
    .json() as {
      id: string;
      notify_secret: string;
      invoices: object;
    };
  assertMatch(made.notify_secret, /^whsec_/);
  const invoices = {
    till: made.id,
    max_sat: 5_000,
    max_open: 7,
    notify_url: "https://shop.example/ncc/paid",
  };
  assertEquals(made.invoices, invoices);
  const next = await ncc(["token", "add", "x", "--scopes", "invoices", "--replaces", made.id, "--json"], {
    environment,
  });
  assertEquals((next.json() as { invoices: { till: string } }).invoices.till, made.id);
  assertEquals((await ncc([...add, "--max-sat", "many"], { environment })).code, 1);
});
