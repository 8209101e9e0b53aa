import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { ncc, place } from "./cli.ts";

Deno.test("a further wallet is added from a file, listed, tried and removed, without a server running", async () => {
  await using p = await place();
  const { environment } = p;
  const ok = async (...args: string[]) => {
    const ran = await ncc(args, { environment });
    assertEquals([ran.code, ran.err], [0, ""], args.join(" "));
    return ran.out;
  };
  await ok(
    "init",
    "--yes",
    "--name",
    "Tea house",
    "--wallet",
    "lnbits+http://127.0.0.1:9/?key=0123456789abcdef",
  );
  assertMatch(await ok("wallet", "list"), /^main +payments +not asked yet/m);
  const file = `${p.data}/spare.url`;
  await Deno.writeTextFile(file, "demo:\n");
  assertStringIncludes(await ok("wallet", "add", "spare", "--url-file", file), "Added spare");
  assertMatch(await ok("wallet", "list"), /^spare +payments/m);
  const tried = await ok("wallet", "test", "spare");
  assertStringIncludes(tried, "✓ looks it up: it is open");
  assertStringIncludes(tried, "· It has no hold invoices");
  await ok("wallet", "remove", "spare");
  const again = await ncc(["wallet", "remove", "spare"], { environment });
  assertEquals([again.code, again.err], [1, "✗ There is no wallet spare."]);
  await Deno.writeTextFile(file, "https://example.com\n");
  const wrong = await ncc(["wallet", "add", "spare", "--url-file", file], { environment });
  assertEquals(wrong.code, 1);
  assertStringIncludes(wrong.err, "it isn't a wallet's URL");
});
