import { z } from "@hono/zod-openapi";
import { type Job, listJobs, retryJob } from "../../jobs/jobs_store.ts";
import type { ApiParts } from "../context.ts";
import { addList } from "../list.ts";
import { newApi } from "../new_api.ts";
import { Problem } from "../problem.ts";
import { json, notFound, operation, rfc3339, time } from "./describe.ts";

const jobSchema = z.object({
  id: z.string(),
  kind: z.string(),
  key: z.string().nullable(),
  payload: z.record(z.string(), z.unknown()),
  state: z.enum(["ready", "running", "dead"]),
  run_at: time,
  attempts: z.int(),
  max_attempts: z.int(),
  last_error: z.string().nullable(),
  created_at: time,
}).openapi("Job");

const params = z.object({
  id: z.coerce.number().int().positive().openapi({ param: { name: "id", in: "path" } }),
});

/** What is still to be done outside the database, and what failed for good. */
export function jobRoutes({ database, clock }: ApiParts) {
  const api = newApi();
  addList(api, {
    path: "/jobs",
    id: "listJobs",
    summary: "Jobs, newest first",
    tag: "jobs",
    scope: "jobs:read",
    reach: "operator",
    filter: { state: z.enum(["ready", "running", "dead"]).optional() },
    item: jobSchema,
    name: "Jobs",
    key: ["int"],
    read: ({ state }, slice) => listJobs(database.kysely, { state }, slice),
    place: ({ id }) => [id],
    show: (rows) => rows.map(shape),
  });
  api.openapi(
    operation({
      method: "post",
      path: "/jobs/{id}/retry",
      id: "retryJob",
      summary: "Give a dead job another round of tries",
      tag: "jobs",
      scope: "jobs:write",
      reach: "operator",
      request: { params, ...json(z.strictObject({})) },
      answer: z.object({ id: z.string(), state: z.literal("ready") }),
      status: 200,
    }),
    async (c) => {
      const { id } = c.req.valid("param");
      const done = await database.transaction((tx) => retryJob(tx, id, clock.now()));
      if (done.ok) return c.json({ id: String(id), state: "ready" as const }, 200);
      if (done.reason === "unknown") throw notFound("job", String(id));
      throw new Problem(
        409,
        "wrong_state",
        done.reason === "not dead"
          ? `Job ${id} isn't dead.`
          : "The same work waits already under a newer job.",
      );
    },
  );
  return api;
}

function shape(job: Job): z.infer<typeof jobSchema> {
  return {
    id: String(job.id),
    kind: job.kind,
    key: job.key,
    payload: job.payload,
    state: job.state,
    run_at: rfc3339(job.runAt),
    attempts: job.attempts,
    max_attempts: job.maxAttempts,
    last_error: job.lastError,
    created_at: rfc3339(job.createdAt),
  };
}
