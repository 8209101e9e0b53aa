import { assertEquals } from "@std/assert";

/** The house: an import goes down or stays on its floor, never up. */
const floors: string[][] = [
  ["main.ts", "src/cli", "src/app", "src/api", "src/dashboard", "src/demo"],
  [
    "src/catalog",
    "src/stock",
    "src/orders",
    "src/dialects",
    "src/messages",
    "src/auctions",
    "src/payments",
    "src/medusa",
    "src/till",
    "src/notifications",
    "src/reports",
  ],
  ["src/nostr", "src/relay", "src/policies"],
  [
    "src/db",
    "src/jobs",
    "src/money",
    "src/clock.ts",
    "src/random.ts",
    "src/settings.ts",
    "src/settings_medusa.ts",
    "src/setting_values.ts",
    "src/settings_reader.ts",
    "src/log.ts",
    "src/redaction.ts",
    "src/service.ts",
    "src/alert.ts",
    "src/bounded_json.ts",
    "src/web",
  ],
];

/** Which rooms of the domain floor may import which. */
const arrows: Record<string, string[]> = {
  "src/messages": ["src/orders", "src/dialects"],
  "src/orders": ["src/catalog", "src/stock", "src/payments"],
  "src/dialects": ["src/orders"],
  "src/catalog": ["src/stock"],
  "src/stock": [],
  "src/payments": ["src/orders"],
  "src/medusa": ["src/orders", "src/catalog", "src/stock", "src/payments"],
  "src/till": ["src/orders", "src/payments"],
  "src/auctions": ["src/orders"],
  "src/notifications": floors[1]!,
  "src/reports": floors[1]!,
};

interface Module {
  specifier: string;
  dependencies?: { specifier: string; code?: { specifier: string }; type?: { specifier: string } }[];
}

Deno.test("imports keep to the floors and the arrows of the house", async () => {
  const { modules, root } = await moduleGraph();
  const broken: string[] = [];
  for (const module of modules) {
    const from = place(module.specifier, root);
    if (from === null) continue;
    for (const dependency of module.dependencies ?? []) {
      const target = dependency.code?.specifier ?? dependency.type?.specifier;
      const to = target === undefined ? null : place(target, root);
      if (to === null || from.room === to.room) continue;
      const line = `${module.specifier.slice(root.length)} → ${target!.slice(root.length)}`;
      if (to.floor < from.floor) broken.push(`up: ${line}`);
      if (to.floor === 1 && from.floor === 1 && !arrows[from.room]!.includes(to.room)) {
        broken.push(`no arrow: ${line}`);
      }
    }
  }
  assertEquals(broken, []);
});

Deno.test("only nostr/ touches NPool and NRelay1, only main.ts the process", async () => {
  const broken: string[] = [];
  for await (const { path, text } of sources()) {
    if (!path.startsWith("src/nostr/") && /\b(NPool|NRelay1)\b/.test(withoutComments(text))) {
      broken.push(`${path}: NPool or NRelay1`);
    }
    if (path !== "main.ts" && /\bDeno\.(env|exit|args|addSignalListener)\b/.test(withoutComments(text))) {
      broken.push(`${path}: the process`);
    }
    if (/^export default/m.test(text)) broken.push(`${path}: default export`);
    if (/catch\s*(\([^)]*\))?\s*\{\s*\}/.test(text)) broken.push(`${path}: empty catch`);
    if (text.split("\n").length > 301) broken.push(`${path}: over 300 lines`);
  }
  assertEquals(broken, []);
});

Deno.test("SQL of the domain stands in *_store.ts", async () => {
  const broken: string[] = [];
  for await (const { path, text } of sources()) {
    const domain = floors[1]!.some((room) => path.startsWith(`${room}/`));
    if (!domain || path.endsWith("_store.ts")) continue;
    if (/\.(selectFrom|insertInto|updateTable|deleteFrom)\(|\bsql`/.test(text)) broken.push(path);
  }
  assertEquals(broken, []);
});

async function moduleGraph(): Promise<{ modules: Module[]; root: string }> {
  const root = new URL("..", import.meta.url);
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("main.ts", root).href],
    cwd: root,
  }).output();
  assertEquals(success, true);
  const graph = JSON.parse(new TextDecoder().decode(stdout)) as { modules: Module[] };
  return { modules: graph.modules, root: root.href };
}

/** The room and floor of a module of ours; null for others. Floor 0 is the top. */
function place(specifier: string, root: string): { room: string; floor: number } | null {
  if (!specifier.startsWith(`${root}src/`)) return null;
  const path = specifier.slice(root.length);
  for (const [floor, rooms] of floors.entries()) {
    const room = rooms.find((room) => path === room || path === `${room}.ts` || path.startsWith(`${room}/`));
    if (room) return { room, floor };
  }
  throw new Error(`${path} stands on no floor: add its room to this test`);
}

async function* sources(): AsyncIterable<{ path: string; text: string }> {
  const root = new URL("..", import.meta.url);
  yield { path: "main.ts", text: await Deno.readTextFile(new URL("main.ts", root)) };
  const pending = ["src"];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for await (const entry of Deno.readDir(new URL(`${folder}/`, root))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) pending.push(path);
      else if (/\.tsx?$/.test(path)) yield { path, text: await Deno.readTextFile(new URL(path, root)) };
    }
  }
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\/\/.*$/gm, "");
}
