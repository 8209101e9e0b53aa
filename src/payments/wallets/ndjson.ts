import { WalletError } from "../wallet.ts";

/** Longer than any invoice with all its parts. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** The JSON values of a stream, one a line, wherever its pieces are cut. Throws `bad_answer` for a line that is none. */
export async function* jsonLines(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const line of parts) if (line.trim() !== "") yield read(line);
    if (rest.length > LONGEST_LINE) throw new WalletError("bad_answer", "the wallet's stream has no lines");
  }
  rest += decoder.decode();
  // A line that nothing ends was cut off; the last one of a whole stream may have no newline.
  if (rest.trim() !== "") yield read(rest);
}

function read(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new WalletError("bad_answer", "a line of the wallet's stream isn't JSON");
    }
    throw error;
  }
}
