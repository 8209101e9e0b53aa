import { createLog, type Fields, type Level, type Log } from "../../src/log.ts";

/** Says nothing. */
export const silentLog: Log = createLog(() => {}, "error");

/** Keeps every line, for assertions. */
export function recordingLog(): { log: Log; lines: { level: Level; event: string; fields: Fields }[] } {
  const lines: { level: Level; event: string; fields: Fields }[] = [];
  return { log: createLog((line) => lines.push(line), "debug"), lines };
}
