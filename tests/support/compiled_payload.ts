import { dirname, join } from "node:path";

/** What `deno compile` baked into a program, as far as this project looks at it. */
export interface Payload {
  /** The entry's path among the files. */
  entry: string;
  /** `allow_net`, `deny_import`, `ignore_env`, …: what it is for; an empty list = for all. What isn't set isn't here. */
  permissions: Record<string, string[]>;
  /** Whether it may ask for more. */
  prompt: boolean;
  /** Embedded files: path and bytes. */
  files: Map<string, Uint8Array>;
}

interface Entry {
  File?: { n: string; o: [offset: number, length: number] };
  Dir?: { n: string; e: Entry[] };
}

const MAGIC = new TextEncoder().encode("d3n0l4nd");

/**
 * Reads what `deno compile` appends to the runtime: after twice the magic word the metadata as
 * JSON (a length of 64 bits before it); later a directory of the embedded files as JSON, followed by their bytes. The layout is Deno 2.9's own, not a
 * contract: a change makes this throw.
 */
export function readPayload(program: Uint8Array): Payload {
  const at = findMagic(program);
  const data = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const u64 = (position: number) => Number(data.getBigUint64(position, true));
  const json = (from: number, length: number) =>
    JSON.parse(new TextDecoder().decode(program.subarray(from, from + length)));

  const metadataAt = at + 2 * MAGIC.length;
  const metadata = json(metadataAt + 8, u64(metadataAt));
  const directoryAt = findDirectory(program, u64, metadataAt + 8 + u64(metadataAt));
  const length = u64(directoryAt);
  const directory = json(directoryAt + 8, length) as Entry[];
  const bytesAt = directoryAt + 8 + length + 8;
  const files = new Map<string, Uint8Array>();
  walk(directory, "", (path, [offset, size]) => {
    files.set(path, program.slice(bytesAt + offset, bytesAt + offset + size));
  });

  const { prompt, ...permissions } = metadata.permissions as Record<string, unknown>;
  return {
    entry: metadata.entrypoint_key,
    permissions: Object.fromEntries(
      Object.entries(permissions).flatMap(([name, list]) =>
        Array.isArray(list) ? [[name, list as string[]]] : []
      ),
    ),
    prompt: prompt !== false,
    files,
  };
}

/** Writes the embedded files into a directory; the path of the entry. */
export async function extract(payload: Payload, directory: string): Promise<string> {
  for (const [path, bytes] of payload.files) {
    const target = join(directory, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeFile(target, bytes);
  }
  return join(directory, payload.entry);
}

/** The permissions as the flags that grant them. */
export function flagsOf({ permissions, prompt }: Payload): string[] {
  const flags = Object.entries(permissions).map(([name, list]) =>
    `--${name.replace("_", "-")}${list.length === 0 ? "" : `=${list.join(",")}`}`
  );
  return prompt ? flags : [...flags, "--no-prompt"];
}

function findMagic(program: Uint8Array): number {
  const is = (position: number) => MAGIC.every((byte, i) => program[position + i] === byte);
  for (let at = program.length - 24; at > 0; at--) {
    if (program[at] === MAGIC[0] && is(at) && is(at + MAGIC.length)) return at;
  }
  throw new Error("this program has no payload of `deno compile`");
}

/** The first length that is followed by a JSON array of objects of that length. */
function findDirectory(program: Uint8Array, u64: (position: number) => number, from: number): number {
  const is = (position: number, character: string) => program[position] === character.charCodeAt(0);
  for (let at = from; at < program.length - 16; at++) {
    if (!is(at + 8, "[") || !is(at + 9, "{")) continue;
    const length = u64(at);
    if (length > 1 && length < program.length - at && is(at + 7 + length, "]")) return at;
  }
  throw new Error("the payload has no directory of files");
}

function walk(
  entries: Entry[],
  folder: string,
  found: (path: string, place: [number, number]) => void,
): void {
  for (const { File: file, Dir: dir } of entries) {
    if (file) found(join(folder, file.n), file.o);
    if (dir) walk(dir.e, join(folder, dir.n), found);
  }
}
