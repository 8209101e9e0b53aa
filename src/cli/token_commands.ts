import type { Command } from "commander";
import { take } from "./pages.ts";
import type { Shell } from "./shell.ts";
import { table } from "./terminal.ts";

interface TokenJson {
  id: string;
  name: string;
  merchant: string | null;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
}

/** `ncc token …`. */
export function tokenCommands(program: Command, shell: Shell): void {
  const token = program.command("token").description(
    "tokens for the REST API: what each may do, and to whom",
  );
  token.command("list").description("all that weren't revoked")
    .action(() =>
      shell.withApi(async (api) => {
        const found = await take<TokenJson>(api, "/tokens", new URLSearchParams(), 1_000);
        shell.show(found, () => found.length === 0 ? "No tokens." : tokenTable(found));
      })
    );
  token.command("add").description("make one; it is shown once")
    .argument("<name>", "what it is for")
    .requiredOption("--scopes <list>", "what it may do, with commas: orders:read,messages:write")
    .option("--merchant <pubkey>", "the only merchant that it sees; without it, all")
    .option("--expires <time>", "until when it is good: 2030-01-31T00:00:00Z")
    .action((name: string, o: { scopes: string; merchant?: string; expires?: string }) =>
      shell.withApi(async (api) => {
        const made = await api.call<TokenJson & { token: string }>("POST", "/tokens", {
          name,
          scopes: o.scopes.split(",").map((scope) => scope.trim()).filter((scope) => scope !== ""),
          ...(o.merchant !== undefined && { merchant: o.merchant }),
          ...(o.expires !== undefined && { expires_at: o.expires }),
        });
        shell.show(
          made,
          () => `${made.token}\n\nKeep it: it isn't shown again. Revoke it: ncc token remove ${made.id}`,
        );
      })
    );
  token.command("remove").description("revoke one: it opens nothing any more")
    .argument("<id>", "as `ncc token list` shows it")
    .action((id: string) =>
      shell.withApi(async (api) => {
        const done = await api.call<{ id: string }>("DELETE", `/tokens/${encodeURIComponent(id)}`);
        shell.show(done, () => `Revoked ${done.id}.`);
      })
    );
}

function tokenTable(tokens: TokenJson[]): string {
  return table(
    ["id", "name", "merchant", "last used", "expires", "scopes"],
    tokens.map((one) => [
      one.id,
      one.name,
      one.merchant?.slice(0, 8) ?? "all",
      one.last_used_at ?? "never",
      one.expires_at ?? "never",
      one.scopes.join(" "),
    ]),
  );
}
