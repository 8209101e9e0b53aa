/**
 * Whether this is the run on PostgreSQL (`NCC_TEST_DATABASE=postgres`): tests that don't care which database they run on get it
 * instead of SQLite, and tests that open both by themselves have had their turn in the other run.
 */
export function runsOnPostgres(): boolean {
  const choice = Deno.env.get("NCC_TEST_DATABASE") ?? "sqlite";
  if (choice !== "sqlite" && choice !== "postgres") {
    throw new Error(`NCC_TEST_DATABASE=${choice}: expected sqlite or postgres`);
  }
  return choice === "postgres";
}
