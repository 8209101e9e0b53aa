import { assertEquals } from "@std/assert";
import { checkRelay } from "../../src/app/health.ts";
import type { MerchantRelayStatus } from "../../src/app/served_merchant.ts";

const fine: MerchantRelayStatus = {
  url: "wss://relay.example",
  state: "connected",
  lastEventAt: null,
  lastEoseAt: null,
  error: null,
  reconnects: 0,
  caughtUp: true,
  hidden: 0,
  refusing: null,
  deaf: null,
  foundDeaf: 0,
  unproven: null,
};

Deno.test("a relay is all right when it is caught up, hears and refuses nothing", () => {
  const deaf = { since: Date.UTC(2026, 0, 1), why: "it took a probe that never came back" };
  const cases: [Partial<MerchantRelayStatus>, boolean, string][] = [
    [{}, true, "connected"],
    [{ foundDeaf: 3 }, true, "connected"],
    [{ unproven: "blocked: kinds" }, true, "connected; can't be probed: blocked: kinds"],
    [{ hidden: 2 }, true, "connected; it hides events of 2 crowded seconds"],
    [{ caughtUp: false }, false, "catching up"],
    [{ state: "waiting", caughtUp: false, error: "ECONNREFUSED" }, false, "waiting: ECONNREFUSED"],
    [{ state: "closed", caughtUp: false, refusing: "blocked: spam" }, false, "refuses: blocked: spam"],
    [{ refusing: "rate-limited: slow" }, false, "refuses: rate-limited: slow"],
    [{ deaf }, false, `deaf since 2026-01-01T00:00:00.000Z: ${deaf.why}`],
  ];
  for (const [is, ok, detail] of cases) assertEquals(checkRelay({ ...fine, ...is }), { ok, detail });
});
