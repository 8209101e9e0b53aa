/** Wakes whoever waits for something to happen. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves at the next ring, and after `ms` in any case. */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  /** What `look` finds, now or within `ms`; undefined when it finds nothing. */
  async until<T>(look: () => T | undefined, ms: number): Promise<T | undefined> {
    for (const end = Date.now() + ms;;) {
      const found = look();
      const left = end - Date.now();
      if (found !== undefined || left <= 0) return found;
      await this.next(left);
    }
  }
}
