import { fuzzDeciding } from "./deciding.ts";
import { fuzzOpening } from "./opening.ts";
import { fuzzReading } from "./reading.ts";

/*
 * deno task fuzz [--runs 1000000] [--seed 1]
 *
 * Hostile messages: 96.7 % are read, 3 % opened, 0.3 % go through a whole shop. A failure prints its seed and the smallest
 * message that shows it; the same seed shows it again.
 */
const option = (name: string) => {
  const at = Deno.args.indexOf(`--${name}`);
  const value = at < 0 ? undefined : Number(Deno.args[at + 1]);
  if (value !== undefined && !Number.isSafeInteger(value)) throw new Error(`--${name} needs a whole number`);
  return value;
};

const runs = option("runs") ?? 1_000_000;
const seed = option("seed");
const parts: [string, number, (runs: number, seed?: number) => unknown][] = [
  ["read", Math.floor(runs * 0.967), fuzzReading],
  ["opened", Math.floor(runs * 0.03), fuzzOpening],
  ["decided", Math.ceil(runs * 0.003), fuzzDeciding],
];
for (const [name, count, fuzz] of parts) {
  const started = performance.now();
  const report = await fuzz(count, seed);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  print(`${count.toLocaleString("en")} ${name} in ${seconds} s: ${JSON.stringify(report)}`);
}
print("0 crashes, 0 unanswered orders");

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
