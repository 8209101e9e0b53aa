import type { DemoJournal } from "./demo_ledger.ts";

/** A journal in a file of lines, made when it is first written. A line that a crash cut off stays alone on its line. */
export function demoJournalFile(path: string): DemoJournal {
  let last: Promise<unknown> = Promise.resolve();
  let begun = false;
  return {
    async read() {
      try {
        return (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw error;
      }
    },
    append(line) {
      const write = async () => {
        await Deno.writeTextFile(path, `${begun ? "" : "\n"}${line}\n`, { append: true, mode: 0o600 });
        begun = true;
      };
      // One at a time, so that lines don't mix; whoever wrote before has its own error.
      const written = last.then(write, write);
      last = written;
      return written;
    },
  };
}
