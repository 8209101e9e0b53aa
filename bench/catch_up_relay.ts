/** A relay that has what was missed, as a process of its own. Arguments: a file with an event a line, the most it gives at once. */
import { FakeRelay } from "../tests/support/fake_relay.ts";

if (import.meta.main) {
  const [path, limit] = Deno.args as [string, string];
  await using relay = await FakeRelay.start({ limit: Number(limit) });
  relay.events = (await Deno.readTextFile(path)).trimEnd().split("\n").map((line) => JSON.parse(line));
  Deno.stdout.writeSync(new TextEncoder().encode(`${relay.url}\n`));
  // Until the bench closes its end, or is gone.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit(0);
}
