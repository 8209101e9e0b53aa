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

interface NewTokenJson extends TokenJson {
  token: string;
  notify_secret: string | null;
}

interface AddOptions {
  scopes: string;
  merchant?: string;
  expires?: string;
  notifyUrl?: string;
  maxSat?: string;
  maxOpen?: string;
  replaces?: string;
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
    .option("--notify-url <url>", "what is called when an invoice's state changes (scope `invoices`)")
    .option("--max-sat <n>", "the most that one invoice may come to (scope `invoices`)")
    .option("--max-open <n>", "how many unpaid invoices there may be (scope `invoices`)")
    .option("--replaces <id>", "a token whose invoices it goes on with (scope `invoices`)")
    .action((name: string, o: AddOptions) =>
      shell.withApi(async (api) => {
        const made = await api.call<NewTokenJson>("POST", "/tokens", {
          name,
          scopes: o.scopes.split(",").map((scope) => scope.trim()).filter((scope) => scope !== ""),
          ...(o.merchant !== undefined && { merchant: o.merchant }),
          ...(o.expires !== undefined && { expires_at: o.expires }),
          ...invoicesOf(o),
        });
        shell.show(made, () =>
          [
            made.token,
            ...(made.notify_secret === null ? [] : ["", `Its calls are signed with: ${made.notify_secret}`]),
            "",
            `Keep it: it isn't shown again. Revoke it: ncc token remove ${made.id}`,
          ].join("\n"));
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

/** What it may ask for at its till; nothing where that is as usual. */
function invoicesOf({ notifyUrl, maxSat, maxOpen, replaces }: AddOptions): { invoices?: object } {
  const invoices = {
    ...(notifyUrl !== undefined && { notify_url: notifyUrl }),
    ...(maxSat !== undefined && { max_sat: Number(maxSat) }),
    ...(maxOpen !== undefined && { max_open: Number(maxOpen) }),
    ...(replaces !== undefined && { replaces }),
  };
  return Object.keys(invoices).length === 0 ? {} : { invoices };
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
