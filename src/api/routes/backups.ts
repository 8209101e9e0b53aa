import { z } from "@hono/zod-openapi";
import { BackupError, backupsOf, LEFT_OUT, makeBackup } from "../../app/backups.ts";
import type { BackupFile } from "../../db/backups.ts";
import type { ApiParts } from "../context.ts";
import { newApi } from "../new_api.ts";
import { pageOf, whole } from "../page.ts";
import { Problem } from "../problem.ts";
import { json, operation, rfc3339, time } from "./describe.ts";

const backupSchema = z.object({
  name: z.string(),
  path: z.string().openapi({ description: "on the server" }),
  bytes: z.int(),
  at: time,
}).openapi("Backup");

/** Copies of the database on the server's disk, for the operator. */
export function backupRoutes({ settings, clock }: ApiParts) {
  const api = newApi();
  api.openapi(
    operation({
      method: "get",
      path: "/backups",
      id: "listBackups",
      summary: "Backups in the data directory, newest first",
      tag: "operator",
      scope: "operator",
      reach: "operator",
      request: {},
      answer: pageOf(backupSchema, "Backups"),
      status: 200,
    }),
    async (c) => c.json(whole((await backupsOf(settings)).map(shape)), 200),
  );
  api.openapi(
    operation({
      method: "post",
      path: "/backups",
      id: "createBackup",
      summary: "Copy the database while it is in use; the copy is verified (SQLite)",
      tag: "operator",
      scope: "operator",
      reach: "operator",
      request: json(z.strictObject({})),
      answer: backupSchema.extend({
        removed: z.array(z.string()).openapi({ description: "older ones, above NCC_BACKUPS_KEEP" }),
        left_out: z.string(),
      }),
      status: 201,
    }),
    async (c) => {
      try {
        const made = await makeBackup(settings, { now: clock.now() });
        return c.json({ ...shape(made), removed: made.removed, left_out: LEFT_OUT }, 201);
      } catch (error) {
        if (error instanceof BackupError) throw new Problem(409, "wrong_state", error.message);
        throw error;
      }
    },
  );
  return api;
}

function shape({ name, path, bytes, at }: BackupFile): z.infer<typeof backupSchema> {
  return { name, path, bytes, at: rfc3339(at) };
}
