import type { Listener, Topic } from "./database.ts";

/** Who is told of which commit, inside this process. */
export class WakeUps {
  readonly #listeners = new Map<Topic, Set<Listener>>();

  listen(topic: Topic, listener: Listener): () => void {
    const set = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, set.add(listener));
    return () => set.delete(listener);
  }

  /** Calls each listener once per topic with all its payloads. One that throws is reported as an uncaught error; the rest is told. */
  tell(woken: Woken): void {
    for (const [topic, payloads] of woken) {
      for (const listener of this.#listeners.get(topic) ?? []) {
        try {
          listener(payloads);
        } catch (error) {
          reportError(error);
        }
      }
    }
  }
}

/** The topics that one transaction woke, with their payloads. */
export type Woken = Map<Topic, string[]>;

/** Adds a wake-up. */
export function wake(woken: Woken, topic: Topic, payload?: string): void {
  const payloads = woken.get(topic) ?? [];
  if (payload !== undefined) payloads.push(payload);
  woken.set(topic, payloads);
}
