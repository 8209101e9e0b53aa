import type { FakeClock } from "./fake_clock.ts";

const ASK_AGAIN_MS = 50;
const STOPS_MS = 5_000;

/**
 * Resolves when a worker has done all that is due, by `end` (ms of the machine's clock) or never. Asks again now and then: what
 * another process did meanwhile wakes nobody here while the clock stands still.
 */
export async function settled(worker: { settled(): Promise<void> }, end: number): Promise<void> {
  for (let done = false; !done;) {
    if (Date.now() > end) throw new Error("never settles: does something wait for the clock to be moved?");
    done = await within(ASK_AGAIN_MS, worker.settled());
  }
}

/** A test that failed must not hang: what still waits for the clock gets it moved. */
export async function ended(stopping: Promise<void>, clock: FakeClock): Promise<void> {
  let over = false;
  const stopped = stopping.finally(() => over = true);
  await within(STOPS_MS, stopped);
  while (!over) await clock.advance(1_000);
  await stopped;
}

async function within(ms: number, work: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const later = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), ms));
  return await Promise.race([work.then(() => true), later]).finally(() => clearTimeout(timer));
}
