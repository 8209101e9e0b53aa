import { redacted, saidOfFault } from "./redaction.ts";

/** One line per decision: ids, never contents. */
export interface Log {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
  /** A log whose every line also has `fields`. */
  child(fields: Fields): Log;
}

/** What belongs to a line. Secrets, addresses and message bodies never do, and the line's own names aren't free. */
export type Fields = Record<string, unknown> & { at?: never; level?: never; event?: never };

export const levels = ["debug", "info", "warn", "error"] as const;
export type Level = typeof levels[number];

/** Where a line goes: the shell decides on JSON or a pretty form. */
export type Sink = (line: { level: Level; event: string; fields: Fields }) => void;

/**
 * A log that hands lines of at least `least` to `sink`. Callers pass no secret and no customer's data; what slips through all
 * the same is taken out here, as the last wall before the sink.
 */
export function createLog(sink: Sink, least: Level, base: Fields = {}): Log {
  const at = (level: Level) => (event: string, fields: Fields = {}) => {
    if (levels.indexOf(level) >= levels.indexOf(least)) {
      sink({ level, event, fields: redacted({ ...base, ...fields }) });
    }
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => createLog(sink, least, { ...base, ...fields }),
  };
}

/** What a caught value says, for a log line, a column or a person: without the input that libraries like to quote. */
export function errorText(error: unknown): string {
  return saidOfFault(error);
}
