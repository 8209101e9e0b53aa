import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { TestApi } from "../api/test_api.ts";
import { exists, ncc, place } from "./cli.ts";

Deno.test("`ncc backup` makes a verified copy, tells what it leaves out, and keeps the newest", async () => {
  await using at = await place({ NCC_BACKUPS_KEEP: "2" });
  const { environment, data } = at;
  assertStringIncludes((await ncc(["backup"], { environment })).err, "There is no database");
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  await ncc(["order", "list"], { environment });
  const made = await ncc(["backup"], { environment });
  assertEquals(made.code, 0, made.err);
  assertStringIncludes(made.out, "master.key");
  assertStringIncludes(made.out, "ncc key export --encrypted");
  await Deno.writeTextFile(join(data, "backups", "mine.db"), "");
  await ncc(["backup"], { environment });
  const last = (await ncc(["backup", "--json"], { environment })).json() as {
    path: string;
    removed: string[];
  };
  assertEquals(last.removed.length, 1);
  assertEquals((await Deno.stat(last.path)).mode! & 0o777, 0o600);
  const listed = (await ncc(["backup", "list", "--json"], { environment })).json() as { name: string }[];
  assertEquals(listed.length, 3);
  assert(listed.some(({ name }) => name === "mine.db"));
  const own = join(at.dir, "own.db");
  assertEquals((await ncc(["backup", own], { environment })).code, 0);
  assertStringIncludes((await ncc(["backup", own], { environment })).err, "is there already");
});

Deno.test("`ncc restore` puts it back behind the fence, and says what else has to be there", async () => {
  await using at = await place();
  const { environment, data } = at;
  assertEquals((await ncc(["init", "--yes"], { environment })).code, 0);
  await ncc(["order", "list"], { environment });
  const copy = join(at.dir, "copy.db");
  await ncc(["backup", copy], { environment });
  assertEquals((await ncc(["restore"], { environment })).code, 2);
  const done = await ncc(["restore", copy], { environment });
  assertEquals(done.code, 0, done.err);
  assertStringIncludes(done.out, "ncc restore show");
  const kept = [...Deno.readDirSync(data)].filter(({ name }) => /before-restore-\w+$/.test(name));
  assertEquals(kept.length, 1);
  const shown = (await ncc(["restore", "show", "--json"], { environment })).json() as { state: string };
  assertEquals(shown.state, "fenced");
  const early = await ncc(["restore", "confirm"], { environment });
  assertEquals(early.code, 1);
  assertStringIncludes(early.err, "built-in relay");
  assertEquals((await ncc(["restore", "confirm", "--anyway"], { environment })).code, 0);
  const after = (await ncc(["restore", "show", "--json"], { environment })).json() as { state: string };
  assertEquals(after.state, "lifted");

  // Another shop's key is there now.
  await Deno.remove(join(data, "key.nsec"));
  assertStringIncludes((await ncc(["restore", copy], { environment })).out, "There is no key here");
  await ncc(["order", "list"], { environment: { ...environment, NCC_KEY: "11".repeat(32) } });
  const other = await ncc(["restore", copy], { environment: { ...environment, NCC_KEY: "11".repeat(32) } });
  assertStringIncludes(other.out, "doesn't hold the shop of the present key");
});

Deno.test("with PostgreSQL `ncc backup` names pg_dump", async () => {
  await using at = await place({ NCC_DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
  const { err, code } = await ncc(["backup"], { environment: at.environment });
  assertEquals(code, 1);
  assertStringIncludes(err, "pg_dump");
  assertStringIncludes((await ncc(["restore", "x"], { environment: at.environment })).err, "--fence");
});

Deno.test("POST /backups copies the database of a running shop; GET lists it", async () => {
  await using api = await TestApi.open({ settings: { NCC_DATABASE_URL: "" } });
  const made = await api.post("/backups");
  assertEquals(made.status, 201, JSON.stringify(made.body));
  assert(await exists(made.body.path));
  const copy = new DatabaseSync(made.body.path, { readOnly: true });
  assertEquals(copy.prepare("select count(*) as n from merchants").get()!.n, 1);
  copy.close();
  assertEquals((await api.get("/backups")).body.data.map((one: { name: string }) => one.name), [
    made.body.name,
  ]);
});
