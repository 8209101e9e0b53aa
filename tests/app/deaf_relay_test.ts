import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TestApi } from "../api/test_api.ts";
import { FakeRelay } from "../support/fake_relay.ts";
import { recordingLog } from "../support/log.ts";
import { until } from "../support/wire.ts";

Deno.test("a deaf relay shows in readyz, in the metrics and in the log, and no longer when it hears", async () => {
  await using relay = await FakeRelay.start({ hoards: true });
  const { log, lines } = recordingLog();
  await using api = await TestApi.open({ settings: { NCC_RELAYS: relay.url, NCC_PORT: "0" }, log });
  const { intake } = api.app.merchants.all()[0]!;
  const status = () => intake.status().relays[0]!;
  const check = async () => (await api.ask("GET", "/readyz")).body.checks[`relay ${relay.url}`];
  const figure = async (name: string) => {
    const { body } = await api.ask("GET", "/metrics");
    return body.split("\n").find((line: string) => line.startsWith(`${name}{`))?.split(" ").at(-1);
  };
  await intake.start();
  await until(() => status().caughtUp);
  assertEquals(await check(), { ok: true, detail: "connected" });
  await until(() => relay.events.length === 1);
  await until(async () => {
    await api.clock.advance(1_000);
    return status().deaf !== null;
  });
  const { ok, detail } = await check();
  assertEquals(ok, false);
  assertStringIncludes(detail, "it took a probe and has it, but the subscription didn't bring it");
  assertEquals([await figure("ncc_relay_deaf"), await figure("ncc_relay_found_deaf_total")], ["1", "1"]);
  assert(lines.some(({ level, event }) => level === "warn" && event === "intake.deaf"));
  relay.is.hoards = false;
  await until(async () => {
    await api.clock.advance(10_000);
    return status().deaf === null;
  });
  await until(() => status().caughtUp);
  assertEquals((await check()).ok, true);
  assertEquals([await figure("ncc_relay_deaf"), await figure("ncc_relay_found_deaf_total")], ["0", "1"]);
  await intake.stop();
});
