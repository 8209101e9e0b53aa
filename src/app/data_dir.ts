/** Makes the data directory; true when it is new. Only its owner may look into it: keys and customers' data lie there. */
export function makeDataDir(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    return true;
  }
}
