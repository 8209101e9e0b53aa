import { errorText } from "../../log.ts";
import { Deadline } from "../../nostr/deadline.ts";
import { readAccount } from "../../payments/chain/account.ts";
import { readServer } from "../../payments/chain/server_address.ts";
import { type Finding, type Patient, problem, well } from "./finding.ts";

const WHAT = "btc";
const ANSWER_MS = 10_000;

/** The servers that watch the chain: whether they answer, and follow the chain that the key is for. None are named: nothing. */
export async function lookAtBtc({ settings, clock }: Patient): Promise<Finding[]> {
  const read = settings.NCC_BTC === undefined ? null : readAccount(settings.NCC_BTC);
  if (read?.ok === false) return [problem(WHAT, `NCC_BTC ${read.reason}`, "See: ncc help settings")];
  return await Promise.all(settings.NCC_BTC_SERVERS.map(async (text) => {
    const named = readServer(text);
    if (!named.ok) return problem(WHAT, `${text} ${named.reason}`, "See: ncc help settings");
    const choice = named.open(clock);
    using deadline = new Deadline(clock, ANSWER_MS);
    try {
      const server = await choice.open(deadline.signal);
      const height = await server.tip(deadline.signal).finally(() => server.close());
      if (read && !read.account.networks.includes(server.network)) {
        const text = `${choice.name} follows another network (${server.network}) than NCC_BTC is for`;
        return problem(WHAT, text, "Name a server of the key's network, or give the key of another wallet.");
      }
      return well(WHAT, `${choice.name}: block ${height} of the network ${server.network}`);
    } catch (error) {
      const remedy =
        "Is it the right address, and does this machine reach it? Without it payments aren't seen.";
      return problem(WHAT, `${choice.name}: ${errorText(error)}`, remedy);
    }
  }));
}
