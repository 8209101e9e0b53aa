import { assertRejects } from "@std/assert";
import { catalogPublisher } from "../../src/catalog/publisher.ts";
import { GiveUp, RetryLater, type RunningJob } from "../../src/jobs/runner.ts";
import { memoryDatabase } from "../support/database.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { silentLog } from "../support/log.ts";

Deno.test("what is to be published for a merchant that this process hasn't heard of yet waits a minute, then dies", async () => {
  await using database = await memoryDatabase();
  const publisher = catalogPublisher({
    database,
    clock: new FakeClock(),
    log: silentLog,
    identityOf: () => undefined,
  });
  const job = (attempt: number) =>
    ({ attempt, payload: { merchant: "a".repeat(64), kind: 30018, d: "cup" } }) as unknown as RunningJob;
  await assertRejects(() => publisher.run(job(1)), RetryLater, "isn't served here yet");
  await assertRejects(() => publisher.run(job(30)), RetryLater);
  await assertRejects(() => publisher.run(job(31)), GiveUp);
});
