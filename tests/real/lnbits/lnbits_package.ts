import { join } from "node:path";

/** The versions that are tried. LNbits names a library without a limit, and that library's next version broke it. */
const PINNED = ["lnbits==1.6.2", "bitstring==4.4.0"];
const PYTHONS = ["python3.12", "python3.11", "python3.10", "python3"];
const SEVERAL_MINUTES_MS = 600_000;

/** An LNbits that is installed. */
export interface LnbitsPackage {
  /** The Python that has it. */
  python: string;
  version: string;
  /** Where it has to be started: it reads its own files from there. */
  folder: string;
}

/** The Python named by NCC_TEST_LNBITS, or that of the virtual environment that `get_lnbits.ts` makes; null when neither has it. */
export async function findLnbits(): Promise<LnbitsPackage | null> {
  const named = Deno.env.get("NCC_TEST_LNBITS");
  const python = named ?? join(environment(), "bin", "python");
  const said = await run(python, [
    "-c",
    "import importlib.metadata as m; d = m.distribution('lnbits'); print(d.version); print(d.locate_file(''))",
  ]);
  const [version, folder] = said.text.trim().split("\n");
  if (said.success && version && folder) return { python, version, folder };
  if (named === undefined) return null;
  throw new Error(`NCC_TEST_LNBITS=${named} isn't a Python that has the package lnbits`);
}

/** Installs LNbits from PyPI into a virtual environment in the user's cache. Throws when that isn't possible, with the reason. */
export async function installLnbits(): Promise<void> {
  const python = await findPython();
  const made = await run(python, ["-m", "venv", environment()]);
  if (!made.success) throw new Error(`no virtual environment: ${made.text}`);
  const pip = join(environment(), "bin", "pip");
  const installed = await run(pip, ["install", "--quiet", ...PINNED]);
  if (!installed.success) throw new Error(`pip can't install ${PINNED.join(" and ")}: ${installed.text}`);
}

function environment(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(cache, "ncc-tests", "lnbits");
}

/** LNbits 1.6 needs Python 3.10 to 3.12. */
async function findPython(): Promise<string> {
  for (const python of PYTHONS) {
    const { success, text } = await run(python, ["-c", "import sys, venv; print(*sys.version_info[:2])"]);
    const [major, minor] = text.trim().split(" ").map(Number);
    if (success && major === 3 && minor! >= 10 && minor! <= 12) return python;
  }
  throw new Error("LNbits needs Python 3.10 to 3.12 with venv; none of these is in PATH");
}

async function run(program: string, args: string[]): Promise<{ success: boolean; text: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, {
      args,
      stdin: "null",
      signal: AbortSignal.timeout(SEVERAL_MINUTES_MS),
    }).output();
    return { success, text: new TextDecoder().decode(success ? stdout : stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { success: false, text: `${program} isn't there` };
    throw error;
  }
}
