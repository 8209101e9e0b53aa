import { dirname, resolve } from "node:path";
import { migrations } from "../../../migrations/mod.ts";
import { NewerSchemaError, unknownMigrations } from "../../db/migrator.ts";
import { openDatabase } from "../../db/open.ts";
import { errorText } from "../../log.ts";
import { dataDirRemedy } from "../data_dir.ts";
import { hasDatabase } from "../set_up.ts";
import { type Finding, type Patient, problem, warning, well } from "./finding.ts";

/** The data directory: whether it is there, is a directory, can be written, and only by its owner. */
export async function lookAtData({ settings, random }: Patient): Promise<Finding> {
  const what = "data";
  const path = settings.NCC_DATA_DIR;
  try {
    const info = await Deno.stat(path);
    if (!info.isDirectory) throw new Deno.errors.NotADirectory(`${path} is no directory`);
    await tryWriting(path, random.uuid());
    if (info.mode !== null && (info.mode & 0o077) !== 0) {
      return warning(what, `${path} can be read by others`, `chmod 700 ${path}`);
    }
    return well(what, `${path} can be written`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return await lookAtParent(path);
    return problem(what, `${path} can't be written: ${errorText(error)}`, dataDirRemedy(path, error));
  }
}

/** The directory is made at the first start: whether that will work. Whatever is made for the test is taken away again. */
async function lookAtParent(path: string): Promise<Finding> {
  const made: string[] = [];
  try {
    for (const folder of await missing(resolve(path))) {
      await Deno.mkdir(folder, { mode: 0o700 });
      made.unshift(folder);
    }
    return well("data", `${path} isn't there yet; the first start makes it`);
  } catch (error) {
    return problem("data", `${path} can't be made: ${errorText(error)}`, dataDirRemedy(path, error));
  } finally {
    for (const folder of made) await Deno.remove(folder);
  }
}

/** The folders of a path that aren't there, outermost first. */
async function missing(path: string): Promise<string[]> {
  try {
    await Deno.stat(path);
    return [];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [...await missing(dirname(path)), path];
  }
}

async function tryWriting(path: string, name: string): Promise<void> {
  const probe = `${path}/.doctor-${name}`;
  await Deno.writeTextFile(probe, "", { mode: 0o600 });
  await Deno.remove(probe);
}

/** The database: whether it answers and is of a version that this program knows. It isn't migrated. */
export async function lookAtDatabase({ settings }: Patient): Promise<Finding> {
  const what = "database";
  const url = settings.NCC_DATABASE_URL;
  const isPostgres = url?.startsWith("postgres") ?? false;
  try {
    if (!await hasDatabase(settings)) return well(what, "SQLite, made by the first start");
    const database = await openDatabase(url ?? null, settings.NCC_DATA_DIR);
    try {
      const unknown = await unknownMigrations(database, migrations);
      if (unknown.length > 0) {
        throw new NewerSchemaError(
          `it was written by a newer version of ncc (it has ${unknown.join(", ")})`,
        );
      }
      return well(what, isPostgres ? "PostgreSQL answers" : "SQLite opens");
    } finally {
      await database.close();
    }
  } catch (error) {
    const remedy = error instanceof NewerSchemaError
      ? "Install the version of ncc that wrote it, or restore the backup made before the upgrade."
      : isPostgres
      ? "Is PostgreSQL running, and are host, user, password and database in NCC_DATABASE_URL right? Try them with psql."
      : "Is the disk full or the file damaged? Restore a backup from <data>/backups.";
    return problem(what, errorText(error), remedy);
  }
}
