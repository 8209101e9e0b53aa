import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { relayLine } from "../../src/cli/start_report.ts";
import { NostrClient } from "../support/nostr_client.ts";
import { exists, freePort, ncc, place } from "./cli.ts";
import { Task, task } from "./task.ts";

Deno.test("a first start under the task's permissions: ready in JSON lines, found by commands, drained by SIGTERM", async () => {
  await using p = await place();
  const cwd = p.dir;
  const environment = { NCC_PORT: "0", NCC_WALLET: "demo:" };
  const server = new Task("start", [], { cwd, environment });
  const key = await server.logs("key.created");
  assertMatch(String(key.npub), /^npub1/);
  const ready = await server.logs("start.ready");
  assertEquals([ready.level, ready.pid], ["info", server.pid]);
  assertEquals(ready.admin_token, "./data/admin.token");
  await server.logs("wallet.answers");
  for (
    const [path, mode] of [
      ["", 0o700],
      ["/key.nsec", 0o600],
      ["/admin.token", 0o600],
      ["/master.key", 0o600],
      ["/ncc.db", 0o600],
      ["/server.json", 0o600],
    ] as const
  ) {
    assertEquals((await Deno.stat(`${p.data}${path}`)).mode! & 0o777, mode, path);
  }
  // The port came by chance: commands find it by the data directory.
  const status = await task("ncc", ["status", "--json"], { cwd, environment });
  assertEquals(status.code, 0, status.err);
  assertEquals(JSON.parse(status.out).ready, true);
  const made = await task("ncc", ["stall", "add", "Tea", "--id", "tea"], { cwd, environment });
  assertEquals(made.out.trim(), 'Stall tea "Tea" created.');
  const doctor = await task("ncc", ["doctor"], { cwd, environment });
  assertEquals(doctor.code, 0, doctor.out);

  const began = performance.now();
  server.kill("SIGTERM");
  const { code, out, err } = await server.ended();
  assertEquals([code, out], [0, ""]);
  assert(performance.now() - began < 5_000);
  assertStringIncludes(err, '"event":"stop.done"');
  assert(err.trim().split("\n").every((line) => typeof JSON.parse(line).event === "string"), err);
  assertEquals(await exists(`${p.data}/server.json`), false);

  const again = new Task("start", [], { cwd, environment });
  const known = await again.logs("start.ready");
  assertEquals((known.merchants as string[])[0], key.npub);
  again.kill("SIGINT");
  const second = await again.ended();
  assertEquals([second.code, second.err.includes("key.created")], [0, false]);
});

Deno.test("SIGTERM ends it within 10 s, whoever is connected and whatever relay is dead", async () => {
  await using p = await place();
  const environment = { NCC_PORT: "0", NCC_RELAYS: "ws://127.0.0.1:9,ws://10.255.255.1" };
  const server = new Task("start", [], { cwd: p.dir, environment });
  const { url } = await server.logs("start.ready");
  await using client = await NostrClient.connect(`${String(url).replace(/^http/, "ws")}/relay`);
  // A request that is under way: its body never comes.
  const token = (await Deno.readTextFile(`${p.data}/admin.token`)).trim();
  const stuck = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(String(url)).port) });
  const head = [
    "POST /api/v1/stalls HTTP/1.1",
    "host: localhost",
    `authorization: Bearer ${token}`,
    "content-length: 9",
  ];
  await stuck.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n{`));
  const began = performance.now();
  server.kill("SIGTERM");
  const { code, err } = await server.ended();
  stuck.close();
  await client.closed();
  assertEquals([code, err.includes("stop.cut_short")], [0, false], err);
  assert(performance.now() - began < 10_000, `${performance.now() - began} ms`);
});

Deno.test("on a terminal the start says what a person wants to know", async () => {
  await using p = await place({ NCC_WALLET: "demo:", NCC_RATES: "fixed:EUR=90000" });
  const ended = Promise.withResolvers<void>();
  const { code, out, err } = await ncc(["start"], {
    environment: p.environment,
    interactive: true,
    terminated: ended.promise,
    onOut: (text) => text.includes("Ready in") && ended.resolve(),
  });
  assertEquals([code, err.includes("start.ready")], [0, false]);
  for (
    const line of [
      /^ ncc \d+\.\d+\.\d+ · Nostr Commerce Coordinator · deno \S+ · pid \d+$/m,
      /^ ✓ data .*data \(created, 0700\)$/m,
      /^ ✓ database SQLite, WAL, full sync \(schema \d+\) — 0 orders, 0 open$/m,
      /^ ✓ key npub1\w{58}\n +new, made now. Back it up: ncc key export --encrypted$/m,
      /^ ✓ wallet demo wallet/m,
      /^ ! relays only the built-in one\n +.*NCC_RELAYS/m,
      /^ ! rates fixed by NCC_RATES/m,
      /^ [✓!] sandbox /m,
      /^ API http:\/\/127\.0\.0\.1:\d+\/api\/v1/m,
      /^ Relay ws:\/\/127\.0\.0\.1:\d+\/relay$/m,
      /^ Ready in \d\.\d\d s\. Ctrl-C stops/m,
      /^ Stopped\.$/m,
    ]
  ) assertMatch(plain(out), line);
});

Deno.test("a wallet that doesn't answer is told with what to do", async () => {
  const wallet = `nostr+walletconnect://${"b".repeat(64)}?relay=ws://127.0.0.1:9&secret=${"a".repeat(64)}`;
  await using p = await place({ NCC_WALLET: wallet });
  const ended = Promise.withResolvers<void>();
  const { code, out, err } = await ncc(["start"], {
    environment: p.environment,
    interactive: true,
    terminated: ended.promise,
    onOut: (text) => text.includes("Ready in") && ended.resolve(),
  });
  assertEquals(code, 0);
  assertMatch(plain(out), /^ ✗ wallet .*\n +Is the wallet running/m);
  assert(!`${out}${err}`.includes("a".repeat(64)));
});

Deno.test("relays that aren't connected are named with why", () => {
  assertEquals(relayLine(new Map([["wss://a", null]])), { mark: "✓", text: "1 of 1 connected: wss://a" });
  const some = relayLine(new Map([["wss://a", null], ["wss://b", "connect ECONNREFUSED"]]));
  assertEquals([some.mark, some.text], ["!", "1 of 2 connected: wss://a wss://b"]);
  assertStringIncludes(some.remedy!, "Not yet: wss://b (connect ECONNREFUSED).");
  assertEquals(relayLine(new Map([["wss://a", "waiting"]])).mark, "✗");
});

Deno.test("a start that can't succeed says why and what to do, makes nothing, and shows no stack", async () => {
  await using p = await place();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = String(taken.addr.port);
  const file = `${p.dir}/file`;
  await Deno.writeTextFile(file, "");
  const cases: [what: string, environment: Record<string, string>, code: number, says: string[]][] = [
    ["port taken", { NCC_PORT: port }, 69, [`Port ${port}`, "NCC_PORT"]],
    ["no such address", { NCC_HOST: "192.0.2.1" }, 69, ["192.0.2.1", "NCC_HOST"]],
    ["data dir under a file", { NCC_DATA_DIR: `${file}/data` }, 78, [`${file}/data`, "move it away"]],
    ["data dir is a file", { NCC_DATA_DIR: file }, 78, [file, "NCC_DATA_DIR"]],
    ["bad key", { NCC_KEY: "nsec1canary" }, 78, ["NCC_KEY", "checksum"]],
    ["unreadable key file", { NCC_KEY_FILE: `${p.dir}/none` }, 78, ["NCC_KEY_FILE", "none"]],
    ["demo wallet in public", { NCC_WALLET: "demo:", NCC_PUBLIC_URL: "https://a.example" }, 78, [
      "no real money",
    ]],
    ["no PostgreSQL", { NCC_DATABASE_URL: "postgres://ncc:canary@127.0.0.1:9/ncc" }, 69, [
      "PostgreSQL running",
    ]],
  ];
  for (const [what, change, wanted, says] of cases) {
    const { code, out, err } = await ncc(["start"], { environment: { ...p.environment, ...change } });
    assertEquals([code, out], [wanted, ""], `${what}: ${err}`);
    for (const part of says) assertStringIncludes(err, part, what);
    assert(!/\n\s+at |canary/.test(err), `${what}: ${err}`);
    assertEquals(await exists(`${p.data}/key.nsec`), false, what);
  }
});

Deno.test("a directory that the task may not write is told with the command that may", async () => {
  await using p = await place();
  const elsewhere = `${p.dir}/elsewhere`;
  for (const name of ["start", "ncc"] as const) {
    const environment = { NCC_DATA_DIR: elsewhere, NCC_PORT: String(freePort()) };
    const args = name === "ncc" ? ["init", "--yes"] : [];
    const { code, err } = await task(name, args, { cwd: p.dir, environment });
    assertEquals(code, 78, err);
    assertStringIncludes(err, `--allow-write=${elsewhere}`);
    assertEquals(await exists(elsewhere), false);
  }
});

Deno.test("data that this version can't use is left alone", async () => {
  await using p = await place();
  const { environment } = p;
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  const start = () => ncc(["start"], { environment });
  const token = await Deno.readTextFile(`${p.data}/admin.token`);

  await Deno.writeTextFile(`${p.data}/admin.token`, "short\n");
  const empty = await start();
  assertEquals(empty.code, 78);
  assertStringIncludes(empty.err, "Remove the file");
  await Deno.writeTextFile(`${p.data}/admin.token`, token);

  await Deno.chmod(`${p.data}/key.nsec`, 0o644);
  const open = await start();
  assertEquals(open.code, 78);
  assertStringIncludes(open.err, "chmod 600");
  await Deno.chmod(`${p.data}/key.nsec`, 0o600);

  const database = new DatabaseSync(`${p.data}/ncc.db`);
  database.exec("insert into kysely_migration values ('9999_future', '2030-01-01T00:00:00.000Z')");
  database.close();
  const newer = await start();
  assertEquals(newer.code, 78);
  assertStringIncludes(newer.err, "written by a newer version");

  await Deno.writeTextFile(
    `${p.data}/ncc.db`,
    "this is no database, but it is long enough to look like one".repeat(100),
  );
  for (const name of ["ncc.db-wal", "ncc.db-shm"]) {
    if (await exists(`${p.data}/${name}`)) await Deno.remove(`${p.data}/${name}`);
  }
  const broken = await start();
  assertEquals(broken.code, 74, broken.err);
  assertStringIncludes(broken.err, "restore a backup");
});

Deno.test("a server of another shop on the port isn't taken for ours", async () => {
  await using theirs = await place();
  await using ours = await place();
  const ended = Promise.withResolvers<void>();
  const up = Promise.withResolvers<void>();
  const server = ncc(["start"], {
    environment: theirs.environment,
    interactive: true,
    terminated: ended.promise,
    onOut: (text) => text.includes("Ready in") && up.resolve(),
  });
  await up.promise;
  const environment = { ...ours.environment, NCC_PORT: theirs.environment.NCC_PORT! };
  const without = await ncc(["order", "list"], { environment });
  assertEquals(without.code, 1);
  assertStringIncludes(without.err, "admin.token isn't there");
  // A shop can be set up beside it all the same.
  assertEquals((await ncc(["init", "--yes", "--name", "Ours"], { environment })).code, 0);
  const refused = await ncc(["order", "list"], { environment });
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.err, "refuses our token");
  const doctor = await ncc(["doctor"], { environment });
  assertEquals(doctor.code, 1);
  assertStringIncludes(doctor.out, "✗ port");
  ended.resolve();
  assertEquals((await server).code, 0);
});

/** How columns are aligned is no matter here. */
function plain(text: string): string {
  return text.replace(/ +/g, " ");
}
