import type { Command } from "commander";
import type { Health } from "../app/health.ts";
import { type Api, connectToServer } from "./connection.ts";
import type { Shell } from "./shell.ts";
import { exit, printable, table } from "./terminal.ts";

const NEWS = 5;

interface ConditionJson {
  name: string;
  detail: string;
  raised_at: string;
}
interface NoticeJson {
  at: string;
  text: string;
}

/** `ncc status`: what the running server says of itself, and what the owners heard last. */
export function statusCommand(program: Command, shell: Shell): void {
  program.command("status").description("how the running server is doing").action(async () => {
    const api = await connectToServer(shell.settings(), shell.log("error"));
    const health = await api.health();
    const conditions = await read<ConditionJson>(api, "/conditions?raised=true");
    const notices = await read<NoticeJson>(api, `/notices?limit=${NEWS}`);
    shell.show({ ...health, conditions, notices }, () => statusText(health, conditions, notices));
    if (!health.ready) shell.exitCode = exit.failed;
  });
}

async function read<T>(api: Api, path: string): Promise<T[]> {
  return (await api.call<{ data: T[] }>("GET", path)).data;
}

function statusText(health: Health, conditions: ConditionJson[], notices: NoticeJson[]): string {
  const line = (at: string, text: string) => `${at.slice(0, 16).replace("T", " ")}  ${printable(text)}`;
  const part = (title: string, lines: string[]) => lines.length === 0 ? [] : ["", title, ...lines];
  return [
    health.ready ? (health.degraded ? "ready, degraded" : "ready") : "not ready",
    "",
    table(
      ["", "check", ""],
      Object.entries(health.checks).map(([name, { ok, detail }]) => [ok ? "✓" : "✗", name, detail]),
    ),
    ...part("Out of order", conditions.map((one) => line(one.raised_at, `${one.name}: ${one.detail}`))),
    ...part("Told last", notices.map((one) => line(one.at, one.text.split("\n").join(" · ")))),
  ].join("\n");
}
