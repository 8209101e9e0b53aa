import { NccProcess, type NccSetup } from "../support/ncc_process.ts";

/** One life of the process between two kills. */
export interface Life {
  /** Start to ready, ms; null when it was killed before. */
  readyAfterMs: number | null;
}

/** Starts the process again and again and kills each one after so many ms, ready or not, until `over()`. */
export async function killAgainAndAgain(
  setup: NccSetup,
  first: NccProcess,
  o: { everyMs: number; over(): Promise<boolean> },
): Promise<Life[]> {
  const lives: Life[] = [];
  let ncc = first;
  await pause(o.everyMs);
  for (;;) {
    await ncc.end("SIGKILL");
    if (await o.over()) return lives;
    const killAt = performance.now() + o.everyMs;
    ncc = new NccProcess(setup);
    lives.push({ readyAfterMs: await ncc.ready(o.everyMs) });
    await pause(killAt - performance.now());
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
