import { createLog, type Level, type Log } from "../log.ts";
import { printable, printableJson, type Terminal } from "./terminal.ts";

/** A log for people on a terminal, or one JSON object a line for everything else. */
export function logTo(terminal: Terminal, least: Level, pretty: boolean): Log {
  return createLog(({ level, event, fields }) => {
    const at = new Date();
    if (!pretty) return terminal.err(printableJson({ at: at.toISOString(), level, event, ...fields }));
    const rest = Object.entries(fields).map(([key, value]) => `${key}=${printable(String(value))}`).join(" ");
    const mark = level === "error" ? "✗ " : level === "warn" ? "! " : "  ";
    terminal.err(`${mark}${at.toISOString().slice(11, 19)}  ${event.padEnd(22)} ${rest}`);
  }, least);
}
