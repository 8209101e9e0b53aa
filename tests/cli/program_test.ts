import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { exampleEnvironment } from "../../src/settings.ts";
import { exists, ncc, place } from "./cli.ts";

Deno.test("an unknown command, option or topic ends with 2 and a guess", async () => {
  const cases: [args: string[], guess: string][] = [
    [["ordr"], "order"],
    [["statsu"], "status"],
    [["order", "lst"], "list"],
    [["help", "prodct"], "product"],
    [["help", "order", "shp"], "ship"],
    [["help", "setings"], "settings"],
    [["order", "list", "--limti", "3"], "--limit"],
  ];
  for (const [args, guess] of cases) {
    const { code, out, err } = await ncc(args);
    assertEquals([code, out], [2, ""], args.join(" "));
    assertStringIncludes(err, `Did you mean ${guess}?`);
    assertMatch(err, /^✗ /);
  }
  assertEquals((await ncc(["order", "show"])).code, 2);
  assertEquals((await ncc(["order", "show", "a", "b"])).code, 2);
  assertEquals((await ncc(["xyzzy"])).err.includes("Did you mean"), false);
});

Deno.test("--json works before and after the command, also for what goes wrong", async () => {
  for (const args of [["--json", "version"], ["version", "--json"]]) {
    const { code, json } = await ncc(args);
    assertEquals([code, Object.keys(json() as object)], [0, ["version", "deno"]]);
  }
  const { environment, ...p } = await place();
  await using _place = p;
  for (
    const args of [["--json", "order", "list"], ["order", "--json", "list"], ["order", "list", "--json"]]
  ) {
    const { code, out, err } = await ncc(args, { environment });
    const said = JSON.parse(err) as { error: string; exit_code: number };
    assertEquals([code, out, said.exit_code], [1, "", 1]);
    assertStringIncludes(said.error, "There is no shop");
  }
  const unknown = await ncc(["ordr", "--json"]);
  assertEquals(JSON.parse(unknown.err).exit_code, 2);
});

Deno.test("help is on standard output: of the program, a command, a command's command, and the settings", async () => {
  for (const args of [["help"], ["--help"], ["-h"]]) {
    const { code, out } = await ncc(args);
    assertEquals(code, 0);
    for (
      const command of [
        "start",
        "demo",
        "init",
        "doctor",
        "status",
        "stall",
        "product",
        "order",
        "wallet",
        "key",
        "version",
      ]
    ) {
      assertMatch(out, new RegExp(`^  ${command}\\b`, "m"));
    }
  }
  assertStringIncludes((await ncc(["help", "order", "ship"])).out, "--tracking");
  assertStringIncludes((await ncc(["order", "ship", "--help"])).out, "--tracking");
  const settings = await ncc(["help", "settings"]);
  assertStringIncludes(settings.out, "NCC_WALLET  (or NCC_WALLET_FILE)");
  const list = (await ncc(["help", "settings", "--json"])).json() as { key: string }[];
  assert(list.some((one) => one.key === "NCC_PORT"));
});

Deno.test(".env.example says what the settings table says", async () => {
  const path = new URL("../../.env.example", import.meta.url);
  const { out } = await ncc(["help", "settings", "--env"]);
  assertEquals(
    await Deno.readTextFile(path),
    `${out}\n`,
    "make it again: deno task ncc help settings --env > .env.example",
  );
  assertStringIncludes(out, exampleEnvironment().trimEnd());
});

Deno.test("a look makes nothing where there is no shop, and says how one is made", async () => {
  await using p = await place();
  const { environment } = p;
  for (
    const [args, code] of [
      [["order", "list"], 1],
      [["stall", "list"], 1],
      [["product", "show", "x"], 1],
      [["stall", "add", "Tea"], 1],
      [["key", "show"], 1],
      [["key", "export", "--encrypted"], 1],
      [["status"], 69],
      [["doctor"], 0],
    ] as const
  ) {
    const ran = await ncc([...args], { environment });
    assertEquals(ran.code, code, `${args.join(" ")}: ${ran.err}`);
    assert(code === 0 || /ncc (init|start)/.test(ran.err), ran.err);
    assertEquals(await exists(p.data), false, args.join(" "));
  }
});

Deno.test("flags win over the environment, which wins over what init wrote", async () => {
  await using p = await place();
  const { NCC_DATA_DIR } = p.environment as { NCC_DATA_DIR: string };
  assertEquals((await ncc(["init", "--yes", "--data-dir", NCC_DATA_DIR])).code, 0);
  await Deno.writeTextFile(`${NCC_DATA_DIR}/ncc.env`, "NCC_PORT='1'\n", { mode: 0o600 });
  const port = async (args: string[], environment: Record<string, string>) =>
    /127\.0\.0\.1:(\d+)/.exec((await ncc(["status", ...args], { environment })).err)?.[1];
  assertEquals(await port([], { NCC_DATA_DIR }), "1");
  assertEquals(await port([], { NCC_DATA_DIR, NCC_PORT: "2" }), "2");
  assertEquals(await port(["--port", "3"], { NCC_DATA_DIR, NCC_PORT: "2" }), "3");
  assertEquals(await port(["--data-dir", NCC_DATA_DIR], {}), "1");
  const before = await ncc(["--data-dir", NCC_DATA_DIR, "status"]);
  assertStringIncludes(before.err, "127.0.0.1:1.");
});

Deno.test("all that is wrong with the settings is told at once, by any command, with 78", async () => {
  await using p = await place();
  const environment = {
    ...p.environment,
    NCC_KEY: "nsec1canary",
    NCC_WALLET: "lnd+https://canary",
    NCC_OWNERS: `npub1${"q".repeat(58)}`,
    NCC_PORTT: "1",
    NCC_INVOICE_EXPIRY: "15",
  };
  for (const args of [["start"], ["order", "list"], ["key", "show"]]) {
    const { code, err } = await ncc(args, { environment });
    assertEquals(code, 78, args.join(" "));
    for (const part of ["5 problems", "NCC_KEY", "NCC_WALLET", "npub1qqq", "Did you mean NCC_PORT?", "15m"]) {
      assertStringIncludes(err, part);
    }
    assert(!err.includes("canary"));
  }
  assertEquals(await exists(p.data), false);
});

Deno.test("the shop is filled and looked at without a server", async () => {
  await using p = await place();
  const { environment } = p;
  const ok = async (...args: string[]) => {
    const ran = await ncc(args, { environment });
    assertEquals([ran.code, ran.err], [0, ""], args.join(" "));
    return ran;
  };
  await ok("init", "--yes", "--name", "Tea house");
  assertStringIncludes((await ok("stall", "list")).out, "ncc stall add");
  const stall = (await ok(
    "stall",
    "add",
    "Tea",
    "--currency",
    "EUR",
    "--zone",
    "Europe=5",
    "--zone",
    "World=12.50",
    "--id",
    "tea",
    "--json",
  ))
    .json() as { id: string; shipping: { cost: number }[] };
  assertEquals([stall.id, stall.shipping.map((zone) => zone.cost)], ["tea", [5, 12.5]]);
  const made = await ok(
    "product",
    "add",
    "Cup",
    "--stall",
    "tea",
    "--price",
    "9.95",
    "--quantity",
    "3",
    "--id",
    "cup",
    "--category",
    "a",
    "--category",
    "b",
  );
  assertStringIncludes(made.out, "Published when ncc starts");
  assertMatch((await ok("product", "list")).out, /^id +name +price.*\ncup +Cup +9.95 EUR +3 +0 +not yet$/);
  assertStringIncludes((await ok("product", "show", "cup")).out, "3 on hand, 0 held, 3 available");
  assertStringIncludes((await ok("stall", "show", "tea")).out, "World: 12.5 EUR");
  assertStringIncludes((await ok("key", "show")).out, "npub1");
  assertEquals((await ok("order", "list")).out, "No orders.");
  assertEquals((await ok("order", "list", "--json")).json(), []);
  for (const wrong of [["--quantity", "some"], ["--quantity", "-1"]]) {
    const ran = await ncc(["product", "add", "X", "--stall", "tea", "--price", "1", ...wrong], {
      environment,
    });
    assertEquals(ran.code, 2, ran.err);
  }
  assertEquals((await ncc(["stall", "add", "X", "--zone", "Europe"], { environment })).code, 2);
  assertEquals((await ncc(["order", "list", "--limit", "0"], { environment })).code, 2);
  const refused = await ncc(["product", "add", "X", "--stall", "none", "--price", "1"], { environment });
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "none");
});

Deno.test("a CSV file is imported whole or not at all", async () => {
  await using p = await place();
  const { environment, dir } = p;
  await ncc(["init", "--yes"], { environment });
  await ncc(["stall", "add", "Tea", "--currency", "sat", "--id", "tea"], { environment });
  const file = `${dir}/products.csv`;
  const imported = async (text: string) => {
    await Deno.writeTextFile(file, text);
    return await ncc(["product", "import", file], { environment });
  };
  const good = "id,stall_id,name,price,quantity\ncup,tea,Cup,100,3\nmug,tea,Mug,200,\n";
  const bad = await imported(`${good}pot,coffee,Pot,1,1\n,tea,,1,1\n`);
  assertEquals(bad.code, 1);
  assertStringIncludes(bad.err, "nothing was imported");
  assertStringIncludes(bad.err, "line 5, name");
  const misfit = await imported(`${good}pot,coffee,Pot,1,1\n`);
  assertStringIncludes(misfit.err, "line 4, stall_id: there is no stall coffee");
  assertEquals((await ncc(["product", "list", "--json"], { environment })).json(), []);
  assertEquals(
    (await imported(good.replace("200,", "200,unlimited"))).out,
    "2 products created. Published when ncc starts.",
  );
  const again = await imported(good.replace("200,", "200,unlimited"));
  assertStringIncludes(again.err, "line 2, id: there is a product cup already");
  const list = (await ncc(["product", "list", "--json"], { environment })).json() as { id: string }[];
  assertEquals(list.length, 2);
  assertEquals((await ncc(["product", "import", `${dir}/none.csv`], { environment })).code, 1);
});

Deno.test("foreign text can't move the cursor or turn a line around", async () => {
  await using p = await place();
  const { environment } = p;
  await ncc(["init", "--yes"], { environment });
  const name = "Tea\u202e\u009b31m";
  const made = await ncc(["stall", "add", name, "--id", "tea"], { environment });
  assertEquals(made.code, 0, made.err);
  for (const args of [["stall", "list"], ["stall", "show", "tea"], ["stall", "list", "--json"]]) {
    const { out } = await ncc(args, { environment });
    // deno-lint-ignore no-control-regex -- that none is there is what the test is about
    assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(out), JSON.stringify(out));
  }
  const { json } = await ncc(["stall", "list", "--json"], { environment });
  assertEquals((json() as { name: string }[])[0]!.name, name);
});

Deno.test("the key leaves only under a passphrase that was typed twice, or from a file", async () => {
  await using p = await place();
  const { environment, dir } = p;
  await ncc(["init", "--yes"], { environment });
  const exported = (answers: string[], ...args: string[]) =>
    ncc(["key", "export", ...args], { environment, answers });
  assertEquals((await exported(["secret", "secret"])).code, 2);
  assertMatch((await exported(["secret", "secret"], "--encrypted")).out, /^ncryptsec1/);
  assertStringIncludes((await exported(["secret", "sceret"], "--encrypted")).err, "differ");
  assertStringIncludes((await exported(["", ""], "--encrypted")).err, "empty");
  const nobody = await exported([], "--encrypted");
  assertEquals(nobody.code, 2);
  assertStringIncludes(nobody.err, "--passphrase-file");
  await Deno.writeTextFile(`${dir}/passphrase`, "secret\n");
  assertMatch(
    (await exported([], "--encrypted", "--passphrase-file", `${dir}/passphrase`)).out,
    /^ncryptsec1/,
  );
});
