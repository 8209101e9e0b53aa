import type { Command } from "commander";
import type { Shell } from "./shell.ts";
import { table } from "./terminal.ts";

interface RelayJson {
  url: string;
  merchant: string;
  ok: boolean;
  detail: string;
  last_heard_at: string | null;
  waiting: number;
  resting: boolean;
}

/** `ncc relay …`. */
export function relayCommands(program: Command, shell: Shell): void {
  const relay = program.command("relay").description("the relays");
  relay.command("list").description("how each relay is: what it hands over, refuses, and what waits for it")
    .action(() =>
      shell.withApi(async (api) => {
        const { data } = await api.call<{ data: RelayJson[] }>("GET", "/relays");
        shell.show(data, () =>
          table(
            ["", "relay", "", "last heard", "waits"],
            data.map((one) => [
              one.ok ? "✓" : "✗",
              one.url,
              one.detail,
              one.last_heard_at?.slice(0, 19).replace("T", " ") ?? "—",
              one.resting ? `${one.waiting} (it wants us to slow down)` : `${one.waiting}`,
            ]),
          ));
      })
    );
}
