/**
 * The wallet, as a process of its own: NIP-47 by `@getalby/sdk`'s service. Arguments: its relay's URL, the share of payments that
 * it notifies nobody of, and `lists` if it keeps a list of what came in. `POST /pay {bolt11}`, `GET /books`, `GET /url`.
 */
import { NwcService } from "../support/nwc_service.ts";
import { answer, parentGone } from "./control.ts";
import { Dice } from "./faults.ts";

if (import.meta.main) {
  // The package doesn't wait for what it publishes: a relay's refusal would end the process.
  addEventListener("unhandledrejection", (event) => event.preventDefault());
  const [relay, silent = "0", lists = ""] = Deno.args as [string, string?, string?];
  const wallet = await NwcService.start(relay, { lists: lists === "lists" });
  const dice = new Dice(1);
  answer({
    "GET /url": () => ({ url: wallet.url }),
    "GET /books": () => wallet.books(),
    "POST /pay": async (body) => {
      const { bolt11 } = body as { bolt11: string };
      return { refusal: await wallet.settle(bolt11, { silently: dice.hits(Number(silent)) }) };
    },
  });
  await parentGone();
  Deno.exit(0);
}
