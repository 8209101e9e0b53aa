/** The wallet, as a process of its own: NIP-47 by `@getalby/sdk`'s service. `POST /pay {bolt11}`, `GET /books`, `GET /url`. */
import { NwcService } from "../support/nwc_service.ts";
import { answer, parentGone } from "./control.ts";

if (import.meta.main) {
  // The package doesn't wait for what it publishes: a relay's refusal would end the process.
  addEventListener("unhandledrejection", (event) => event.preventDefault());
  const wallet = await NwcService.start(Deno.args[0]!);
  answer({
    "GET /url": () => ({ url: wallet.url }),
    "GET /books": () => wallet.books(),
    "POST /pay": async (body) => ({ refusal: await wallet.settle((body as { bolt11: string }).bolt11) }),
  });
  await parentGone();
  Deno.exit(0);
}
