import { GiveUp, RetryLater, type RunningJob } from "../jobs/runner.ts";

/** Other processes hear of a new merchant within seconds; its first jobs may come to them before. */
const AGAIN_MS = 2_000;
const TRIES = 30;

/** For a job of a merchant that isn't served here: it is tried again for a minute (`RetryLater`), then given up (`GiveUp`). */
export function unserved(merchant: string, job: Pick<RunningJob, "attempt">): never {
  if (job.attempt <= TRIES) throw new RetryLater(`the merchant ${merchant} isn't served here yet`, AGAIN_MS);
  throw new GiveUp(`the merchant ${merchant} is not served here`);
}
