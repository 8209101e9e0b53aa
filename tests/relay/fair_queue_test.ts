import { assertEquals } from "@std/assert";
import { FairQueue, type FairQueueLimits, type Turn } from "../../src/relay/fair_queue.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const wide: FairQueueLimits = {
  running: 1,
  runningPerKey: 1,
  waitingPerKey: 100,
  waiting: 100,
  weight: 1_000,
  patienceMs: 5_000,
};

/** A queue whose turns last until they are ended by hand; `began` names them in their order. */
function scene(limits: Partial<FairQueueLimits> = {}, open?: () => boolean) {
  const clock = new FakeClock();
  const queue = new FairQueue({ limits: { ...wide, ...limits }, clock, ...(open && { open }) });
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const turns = new Map<string, Promise<Turn<string>>>();
  const ask = (key: string, name: string, weight = 1) => {
    const work = () => {
      began.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    };
    turns.set(name, queue.run(key, work, weight));
  };
  const end = async (name: string) => {
    ends.get(name)!();
    await settle();
  };
  return { clock, queue, began, ask, end, turns };
}

Deno.test("turns go round the keys, whoever of them asks how often", async () => {
  const { ask, end, began } = scene();
  for (const name of ["a1", "a2", "a3", "a4", "b1", "c1", "c2"]) ask(name[0]!, name);
  await settle();
  for (let i = 0; i < 7; i++) await end(began.at(-1)!);
  assertEquals(began, ["a1", "a2", "b1", "c1", "a3", "c2", "a4"]);
});

Deno.test("who finds no room is sent away: of a key, in all, by weight", async () => {
  const refused = async (limits: Partial<FairQueueLimits>, asked: [string, number][]) => {
    const { ask, end, began, turns } = scene(limits);
    ask("first", "first");
    for (const [i, [key, weight]] of asked.entries()) ask(key, `${i}`, weight);
    await settle();
    for (let i = 0; i < asked.length && began.length > i; i++) await end(began[i]!);
    await end(began.at(-1)!);
    const answers = await Promise.all(asked.map((_, i) => turns.get(`${i}`)!));
    return answers.flatMap((turn, i) => turn.ok ? [] : [i]);
  };
  assertEquals(await refused({ waitingPerKey: 2 }, [["a", 1], ["a", 1], ["a", 1], ["b", 1]]), [2]);
  assertEquals(await refused({ waiting: 2 }, [["a", 1], ["b", 1], ["c", 1]]), [2]);
  assertEquals(await refused({ weight: 10 }, [["a", 6], ["b", 6], ["c", 4]]), [1]);
});

Deno.test("in a full queue the key with most askers gives way to one with fewer", async () => {
  const { ask, end, began, turns } = scene({ waiting: 4 });
  ask("first", "first");
  for (const name of ["a1", "a2", "a3", "a4", "b1"]) ask(name[0]!, name);
  assertEquals(await turns.get("a4")!, { ok: false });
  await settle();
  for (let i = 0; i < 5; i++) await end(began.at(-1)!);
  assertEquals(began, ["first", "a1", "b1", "a2", "a3"]);
});

Deno.test("one key can't take all the turns that run at once", async () => {
  const { ask, end, began } = scene({ running: 3, runningPerKey: 2 });
  for (const name of ["a1", "a2", "a3", "b1"]) ask(name[0]!, name);
  await settle();
  assertEquals(began, ["a1", "a2", "b1"]);
  await end("a1");
  assertEquals(began, ["a1", "a2", "b1", "a3"]);
  for (const name of ["a2", "b1", "a3"]) await end(name);
});

Deno.test("while it is closed nobody has a turn, and who waited too long is sent away", async () => {
  let open = false;
  const { ask, end, began, turns, clock, queue } = scene({}, () => open);
  ask("a", "early");
  await clock.advance(3_000);
  ask("b", "late");
  assertEquals([began, queue.waiting], [[], 2]);
  await clock.advance(2_100);
  assertEquals(await turns.get("early")!, { ok: false });
  open = true;
  await clock.advance(100);
  assertEquals(began, ["late"]);
  await end("late");
  assertEquals(await turns.get("late")!, { ok: true, value: "late" });
  assertEquals(queue.busy, false);
});

Deno.test("work that fails gives its turn back", async () => {
  const { queue, ask, end, began } = scene();
  const failing = queue.run("a", () => Promise.reject(new Error("planted")));
  ask("b", "next");
  const reason = await failing.catch((error) => (error as Error).message);
  await settle();
  assertEquals([reason, began], ["planted", ["next"]]);
  await end("next");
});

Deno.test("who has had a turn weighs nothing any more", async () => {
  const { ask, end, turns, queue } = scene({ weight: 10 });
  ask("first", "first");
  for (const name of ["1", "2", "3"]) {
    ask("a", name, 6);
    await end(name === "1" ? "first" : `${Number(name) - 1}`);
  }
  await end("3");
  for (const name of ["1", "2", "3"]) assertEquals(await turns.get(name)!, { ok: true, value: name });
  assertEquals([queue.waiting, queue.busy], [0, false]);
});
