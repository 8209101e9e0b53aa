import { NccProcess, type NccSetup } from "../support/ncc_process.ts";

const SLOWEST_START_MS = 30_000;

/** One life of the process between two kills. */
export interface Life {
  /** Start to ready, ms; null when it was killed before. */
  readyAfterMs: number | null;
}

/**
 * Starts the process again and again and kills each one so many ms after its start, ready or not, or after it was ready; until
 * `over()`.
 */
export async function killAgainAndAgain(
  setup: NccSetup,
  first: NccProcess,
  o: { everyMs: number; from: "start" | "ready"; over(): Promise<boolean> },
): Promise<Life[]> {
  const lives: Life[] = [];
  let ncc = first;
  await pause(o.everyMs);
  for (;;) {
    await ncc.end("SIGKILL");
    if (await o.over()) return lives;
    const startedAt = performance.now();
    ncc = new NccProcess(setup);
    const readyAfterMs = await ncc.ready(o.from === "start" ? o.everyMs : SLOWEST_START_MS);
    lives.push({ readyAfterMs });
    const since = o.from === "start" ? startedAt : performance.now();
    await pause(since + o.everyMs - performance.now());
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
