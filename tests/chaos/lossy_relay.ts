/**
 * A relay that does wrong, as a process of its own: it stands before an honest one and loses, hides, doubles, delays and
 * denies what passes. Arguments: the honest relay's URL, a seed, the faults as JSON.
 */
import { announce, parentGone } from "./control.ts";
import { Dice, type RelayFaults } from "./faults.ts";
import { Passage } from "./passage.ts";

if (import.meta.main) {
  const [target, seed, json] = Deno.args as [string, string, string];
  const dice = new Dice(Number(seed));
  const faults = JSON.parse(json) as RelayFaults;
  Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen: ({ port }) => announce(`ws://127.0.0.1:${port}`),
  }, (incoming) => {
    if (incoming.headers.get("upgrade") !== "websocket") return Response.json({ name: "lossy relay" });
    const { socket, response } = Deno.upgradeWebSocket(incoming);
    new Passage(socket, target, dice, faults);
    return response;
  });
  await parentGone();
  Deno.exit(0);
}
