/** What this run may do beyond its job, for people. */
export function sandbox(): { safe: boolean; text: string } {
  const granted = (descriptor: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(descriptor).state === "granted";
  const more = [
    ...(granted({ name: "run" }) ? ["start programs"] : []),
    ...(granted({ name: "ffi" }) ? ["load native code"] : []),
    ...(granted({ name: "env" }) ? ["read the whole environment"] : []),
    ...(granted({ name: "write" }) ? ["write everywhere"] : []),
  ];
  return more.length === 0
    ? { safe: true, text: "network, files, NCC_* only — no subprocess, no native code, no other environment" }
    : { safe: false, text: `this run may also ${more.join(", ")}. The tasks in deno.json grant less.` };
}
