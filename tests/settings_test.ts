import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exampleEnvironment, settingsTable } from "../src/settings.ts";
import { problemsText, readSettings } from "../src/settings_reader.ts";

const noFile = (path: string): string => {
  throw new Error(`no file ${path}`);
};

const MEDUSA = {
  NCC_MEDUSA_URL: "https://medusa.example.com",
  NCC_MEDUSA_EMAIL: "ncc@example.com",
  NCC_MEDUSA_PASSWORD: "supersecret",
};

Deno.test("an empty environment gives the defaults", () => {
  const read = readSettings({}, noFile);
  assert(read.ok);
  assertEquals(read.settings.NCC_PORT, 8787);
  assertEquals(read.settings.NCC_INVOICE_EXPIRY, 15 * 60_000);
  assertEquals(read.settings.NCC_RELAYS, []);
  assertEquals(read.settings.NCC_WALLET, undefined);
});

Deno.test("all problems are told at once, each with a remedy", () => {
  const read = readSettings(
    { NCC_RELAY: "wss://a.b", NCC_INVOICE_EXPIRY: "15", NCC_PORT: "99999", NCC_RELAYS: "wss://a.b,http://c" },
    noFile,
  );
  assert(!read.ok);
  assertEquals(read.problems.map((p) => p.key), [
    "NCC_RELAY",
    "NCC_PORT",
    "NCC_RELAYS",
    "NCC_INVOICE_EXPIRY",
  ]);
  const text = problemsText(read.problems);
  for (
    const part of ["4 problems", "Did you mean NCC_RELAYS?", "Example: NCC_INVOICE_EXPIRY=15m", '"http://c"']
  ) {
    assertStringIncludes(text, part);
  }
});

Deno.test("a secret's value is never shown", () => {
  const read = readSettings({ NCC_ADMIN_TOKEN: "canary", NCC_WALLET: "canary without a scheme" }, noFile);
  assert(!read.ok);
  assertEquals(read.problems.length, 2);
  assert(!problemsText(read.problems).includes("canary"));
});

Deno.test("a secret can come from a file, but not from two places", () => {
  const read = readSettings({ NCC_KEY_FILE: "/k" }, (path) => `content of ${path}\n`);
  assert(read.ok);
  assertEquals(read.settings.NCC_KEY, "content of /k");
  const both = readSettings({ NCC_KEY_FILE: "/k", NCC_KEY: "x" }, () => "y");
  assert(!both.ok);
  const missing = readSettings({ NCC_KEY_FILE: "/k" }, noFile);
  assert(!missing.ok);
  assertStringIncludes(problemsText(missing.problems), "no file /k");
});

Deno.test("the demo wallet is refused where strangers could order", () => {
  for (
    const reachable of [{ NCC_PUBLIC_URL: "https://shop.example.com" }, {
      NCC_RELAYS: "wss://relay.example.com",
    }]
  ) {
    assert(!readSettings({ NCC_WALLET: "demo:", ...reachable }, noFile).ok);
  }
  assert(
    readSettings({ NCC_WALLET: "demo:", NCC_RELAYS: "ws://127.0.0.1:7000,ws://localhost:1" }, noFile).ok,
  );
});

Deno.test("every setting stands in the example, and every example is accepted", () => {
  const example = exampleEnvironment();
  for (const [key, entry] of Object.entries(settingsTable)) {
    assertStringIncludes(example, `#${key}=`);
    if (/[…(]/.test(entry.example)) continue;
    const read = readSettings({ ...key.startsWith("NCC_MEDUSA_") && MEDUSA, [key]: entry.example }, noFile);
    assert(read.ok, `${key}: ${read.ok ? "" : problemsText(read.problems)}`);
  }
});

Deno.test("Lightning is always offered, and first; other ways of ours only where customers can open them", () => {
  const read = (options: string, url?: string) =>
    readSettings({ NCC_PAYMENT_OPTIONS: options, ...(url && { NCC_PUBLIC_URL: url }) }, noFile);
  const onion = `http://${"b2".repeat(28)}.onion`;
  for (const url of ["https://shop.example", `${onion}/`, `${onion}:8080`]) {
    const all = read("lnurl, url", url);
    assert(all.ok);
    assertEquals(all.settings.NCC_PAYMENT_OPTIONS, ["ln", "url", "lnurl"]);
  }
  for (const url of [undefined, "http://shop.example", "http://127.0.0.1:8787"]) {
    const refused = read("ln,url", url);
    assert(!refused.ok);
    assertEquals(refused.problems.map(({ key }) => key), ["NCC_PAYMENT_OPTIONS"]);
    assert(read("ln", url).ok);
  }
  assert(!read("ln,paypal", "https://shop.example").ok);
});

Deno.test("Medusa is asked where it is, and as somebody: what is missing is named", () => {
  const { NCC_MEDUSA_URL: url, NCC_MEDUSA_EMAIL: email, NCC_MEDUSA_PASSWORD: password } = MEDUSA;
  const key = "sk_0123456789abcdef";
  const cases: [given: Record<string, string>, problem: string | null, says?: string][] = [
    [{}, null],
    [{ url, email, password }, null],
    [{ url, key }, null],
    [{ url, email, password, key }, null],
    [{ url }, "NCC_MEDUSA_EMAIL", "or an NCC_MEDUSA_KEY"],
    [{ url, password }, "NCC_MEDUSA_EMAIL", "whose password"],
    [{ url, password, key }, "NCC_MEDUSA_EMAIL", "whose password"],
    [{ url, email }, "NCC_MEDUSA_PASSWORD", "by the e-mail alone"],
    [{ url, email, key }, "NCC_MEDUSA_PASSWORD"],
    [{ email, password }, "NCC_MEDUSA_URL", "but NCC_MEDUSA_EMAIL is"],
    [{ key }, "NCC_MEDUSA_URL", "but NCC_MEDUSA_KEY is"],
    [{ webhook_secret: "x".repeat(32) }, "NCC_MEDUSA_URL"],
    [{ url, key, webhook_secret: "x".repeat(32) }, null],
    [{ url, key, webhook_secret: "x".repeat(31) }, "NCC_MEDUSA_WEBHOOK_SECRET", "at least 32"],
    [{ url, key, webhook_secret: `whsec_${"!".repeat(32)}` }, "NCC_MEDUSA_WEBHOOK_SECRET", "no base64"],
    [{ url: "medusa.example.com", key }, "NCC_MEDUSA_URL", "http(s)"],
    [{ url, email: "ncc", password }, "NCC_MEDUSA_EMAIL", "e-mail"],
    [{ url, key: "pk_0123456789abcdef" }, "NCC_MEDUSA_KEY", "sk_"],
    [{ url, key, stock: "both" }, "NCC_MEDUSA_STOCK", "medusa or local"],
    [{ url, key, down: "panic" }, "NCC_MEDUSA_DOWN", "wait or refuse"],
    [{ url, key, currency: "euro" }, "NCC_MEDUSA_CURRENCY"],
    [{ url, key, sweep: "59s" }, "NCC_MEDUSA_SWEEP", "1m and 1d"],
    [{ url, key, sweep: "1d", stock: "local", down: "refuse", channel: "Nostr" }, null],
  ];
  for (const [given, problem, says = ""] of cases) {
    const environment = Object.fromEntries(
      Object.entries(given).map(([name, value]) => [`NCC_MEDUSA_${name.toUpperCase()}`, value]),
    );
    const read = readSettings(environment, noFile);
    const told = read.ok ? "" : problemsText(read.problems);
    assertEquals(read.ok ? [] : read.problems.map((one) => one.key), problem === null ? [] : [problem], told);
    assertStringIncludes(told, says);
    if (!says.includes("sk_")) assert(!told.includes(password) && !told.includes(key), told);
  }
  const read = readSettings({ ...MEDUSA, NCC_MEDUSA_CURRENCY: "eur" }, noFile);
  assert(read.ok);
  const { NCC_MEDUSA_STOCK, NCC_MEDUSA_DOWN, NCC_MEDUSA_SWEEP, NCC_MEDUSA_CURRENCY } = read.settings;
  assertEquals([NCC_MEDUSA_STOCK, NCC_MEDUSA_DOWN, NCC_MEDUSA_SWEEP, NCC_MEDUSA_CURRENCY], [
    "medusa",
    "wait",
    900_000,
    "EUR",
  ]);
});
