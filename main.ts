import { run } from "./src/cli/program.ts";
import { readSecret } from "./src/cli/secret_prompt.ts";

/** Resolves at the first SIGINT or SIGTERM; the second ends the process at once. */
function terminated(): Promise<void> {
  const signals = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"] as const
    : ["SIGINT", "SIGTERM"] as const;
  let asked = false;
  return new Promise((resolve) => {
    for (const signal of signals) {
      Deno.addSignalListener(signal, () => {
        if (asked) Deno.exit(130);
        asked = true;
        resolve();
      });
    }
  });
}

/** Writes all of a text; a closed pipe (`| head`) is no error of ours. */
function writer(stream: typeof Deno.stdout | typeof Deno.stderr, end: string): (text: string) => void {
  const encoder = new TextEncoder();
  return (text) => {
    const bytes = encoder.encode(`${text}${end}`);
    try {
      for (let done = 0; done < bytes.length;) done += stream.writeSync(bytes.subarray(done));
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
}

if (import.meta.main) {
  let ending: Promise<void> | undefined;
  const code = await run(Deno.args, {
    terminal: {
      out: writer(Deno.stdout, "\n"),
      err: writer(Deno.stderr, "\n"),
      interactive: Deno.stdout.isTerminal(),
    },
    environment: Deno.env.toObject(),
    readFile: (path) => Deno.readTextFileSync(path),
    // Who never waits for the end is ended by the signal itself.
    get terminated() {
      return ending ??= terminated();
    },
    ask: (question) => Deno.stdin.isTerminal() ? prompt(question) : null,
    askSecret: (question) =>
      Deno.stdin.isTerminal() ? readSecret(Deno.stdin, writer(Deno.stderr, ""), question) : null,
  });
  Deno.exit(code);
}
