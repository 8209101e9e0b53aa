// Loaded before Medusa: the other end of its standard input is the tests' process, and Medusa doesn't outlive it.
process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();
