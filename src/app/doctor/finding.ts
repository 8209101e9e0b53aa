import type { Clock } from "../../clock.ts";
import { errorText, type Log } from "../../log.ts";
import type { Random } from "../../random.ts";
import type { Settings } from "../../settings.ts";

/** Something that was looked at. */
export interface Finding {
  what: string;
  state: "ok" | "warning" | "problem";
  detail: string;
  /** What to do about it. */
  remedy?: string;
}

/** Whom the doctor looks at. */
export interface Patient {
  settings: Settings;
  clock: Clock;
  random: Random;
  log: Log;
}

export function well(what: string, detail: string): Finding {
  return { what, state: "ok", detail };
}
export function warning(what: string, detail: string, remedy: string): Finding {
  return { what, state: "warning", detail, remedy };
}
export function problem(what: string, detail: string, remedy: string): Finding {
  return { what, state: "problem", detail, remedy };
}

/** What a look found; one that fails itself is a problem, and the other looks go on. */
export async function found(what: string, look: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return problem(what, errorText(error), "Mend this first, then ask the doctor again.");
  }
}
