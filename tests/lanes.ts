import { fileURLToPath } from "node:url";

/*
 * deno task test [--postgres] [files, folders, flags of deno test]
 *
 * Runs the tests, several files at a time; those that need much of the machine come last, fewer at a time. `--postgres` gives
 * PostgreSQL to the tests that don't care which database they run on, and leaves out the files that have none of these.
 */
const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** Who hands a test the database of this run. A test that never meets it would only do the same once more. */
const CHOOSES = ["tests/support/fresh_database.ts", "tests/support/lane.ts"];
/** Reads the choice, too, but only to leave out what the other run has. */
const LEAVES_OUT = "tests/support/databases.ts";
/**
 * Files with several processes at once, or figures with a deadline. Those of one list come one by one; both lists, which take about
 * as long, run side by side: in each there is much waiting.
 */
const ALONE = [
  [
    "tests/real/medusa/catalogue_test.ts",
    "tests/real/medusa/client_test.ts",
    "tests/real/medusa/medusa_test.ts",
    "tests/real/medusa/orders_test.ts",
    "tests/real/read_back_takeover_test.ts",
    "tests/real/takeover_test.ts",
  ],
  [
    "tests/real/last_item_test.ts",
    "tests/real/lightning/btc_test.ts",
    "tests/real/lightning/lightning_test.ts",
    "tests/real/medusa/plugin_test.ts",
  ],
];
const DEADLINE = "tests/support/deadline.ts";

interface Count {
  passed: number;
  failed: number;
  ignored: number;
  ok: boolean;
}

const postgres = Deno.args.includes("--postgres");
const flags = Deno.args.filter((arg) => arg.startsWith("-") && arg !== "--postgres");
const places = Deno.args.filter((arg) => !arg.startsWith("-")).map((arg) => arg.replace(/^\.\//, ""));
const began = Date.now();
const files = (await testFiles("tests"))
  .filter((file) => places.length === 0 || isIn(places, file))
  .filter((file) => !postgres || meets(file))
  .sort();
if (files.length === 0) throw new Error(`no test files in ${places.join(", ")}`);

// Most of a test's time is waiting.
const jobs = Number(Deno.env.get("DENO_JOBS") ?? navigator.hardwareConcurrency + 1);
const counts = [
  ...await runAll([files.filter((file) => !isIn(ALONE.flat(), file))], jobs),
  ...await runAll(ALONE.map((places) => files.filter((file) => isIn(places, file))), 1),
];
report(counts);
Deno.exitCode = counts.every((count) => count.ok) ? 0 : 1;

function isIn(places: readonly string[], file: string): boolean {
  return places.some((place) => file.startsWith(place));
}

/** Runs lists of files side by side, each of them `jobs` at a time. */
function runAll(lists: string[][], jobs: number): Promise<Count[]> {
  return Promise.all(lists.filter((list) => list.length > 0).map((list) => run(list, jobs)));
}

async function run(list: string[], jobs: number): Promise<Count> {
  const junit = await Deno.makeTempFile({ prefix: "ncc-tests-", suffix: ".xml" });
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      // What types say is `deno task check`'s.
      args: [
        ...["test", "-A", "--no-check", "--parallel", `--preload=${DEADLINE}`, `--junit-path=${junit}`],
        ...flags,
        ...list,
      ],
      cwd: ROOT,
      env: { ...(postgres && { NCC_TEST_DATABASE: "postgres" }), DENO_JOBS: String(jobs) },
    }).spawn().status;
    return { ...countsIn(await Deno.readTextFile(junit)), ok: success };
  } finally {
    await Deno.remove(junit);
  }
}

/** Reads deno's report; empty when it ended before it wrote one. */
function countsIn(junit: string): Omit<Count, "ok"> {
  let [passed, failed, ignored] = [0, 0, 0];
  for (const [, body = ""] of junit.matchAll(/<testcase [^>]*?(?:\/>|>(.*?)<\/testcase>)/gs)) {
    if (body.includes("<skipped")) ignored++;
    else if (/<(failure|error)/.test(body)) failed++;
    else passed++;
  }
  return { passed, failed, ignored };
}

/** Ends as `deno test` does, with the sum of its runs. */
function report(counts: Count[]): void {
  const sum = (of: (count: Count) => number) => counts.reduce((all, count) => all + of(count), 0);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
  const ok = counts.every((count) => count.ok);
  const [passed, failed, ignored] = [sum((c) => c.passed), sum((c) => c.failed), sum((c) => c.ignored)];
  print(
    `${ok ? "ok" : "FAILED"} | ${passed} passed | ${failed} failed | ${ignored} ignored (${
      seconds(Date.now() - began)
    })`,
  );
}

/** Whether a file gets a database of this run, by what it imports. */
function meets(file: string, seen = new Set<string>()): boolean {
  if (CHOOSES.includes(file)) return true;
  if (seen.has(file)) return false;
  seen.add(file);
  const text = Deno.readTextFileSync(ROOT + file);
  for (const [, from, dynamic] of text.matchAll(/from "(\.[^"]+\.ts)"|import\("(\.[^"]+\.ts)"\)/g)) {
    const path = fileURLToPath(new URL((from ?? dynamic)!, `file://${ROOT}${file}`)).slice(ROOT.length);
    if (file === LEAVES_OUT && path === "tests/support/lane.ts") continue;
    if (meets(path, seen)) return true;
  }
  return false;
}

async function testFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...await testFiles(path));
    else if (/_test\.tsx?$/.test(entry.name)) found.push(path);
  }
  return found;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
