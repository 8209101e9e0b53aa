import { run } from "./src/cli/program.ts";

/** Resolves at the first SIGINT or SIGTERM. */
function terminated(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve());
  });
}

/** Writes a whole line; a closed pipe (`| head`) is no error of ours. */
function writer(stream: typeof Deno.stdout | typeof Deno.stderr): (text: string) => void {
  const encoder = new TextEncoder();
  return (text) => {
    const bytes = encoder.encode(`${text}\n`);
    try {
      for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
}

if (import.meta.main) {
  const code = await run(Deno.args, {
    terminal: { out: writer(Deno.stdout), err: writer(Deno.stderr), interactive: Deno.stdout.isTerminal() },
    environment: Deno.env.toObject(),
    readFile: (path) => Deno.readTextFileSync(path),
    terminated: terminated(),
    ask: (question) => Deno.stdin.isTerminal() ? prompt(question) : null,
  });
  Deno.exit(code);
}
