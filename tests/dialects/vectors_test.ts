import { assertEquals } from "@std/assert";
import { type Addressee, type MessageReading, phrase, readMessage } from "../../src/dialects/dialects.ts";
import type { Reply, Traits } from "../../src/orders/types.ts";
import v1 from "../vectors/v1_lnbits.json" with { type: "json" };
import v2 from "../vectors/v2_eden_weeks.json" with { type: "json" };
import v2t from "../vectors/v2t_text_twins.json" with { type: "json" };
import v3 from "../vectors/v3_plebeian.json" with { type: "json" };
import v4 from "../vectors/v4_plebeian_tech.json" with { type: "json" };
import v5 from "../vectors/v5_conduit.json" with { type: "json" };
import v7 from "../vectors/v7_aiolabs.json" with { type: "json" };

interface Vector {
  about: string;
  merchant: string;
  envelope: "nip04" | "nip17";
  kind: number;
  tags: string[][];
  messages: { content: string; reading: MessageReading }[];
  answers: { reply: unknown; sent: unknown[] }[];
}

const vectors = { v1, v2, v2t, v3, v4, v5, v7 } as unknown as Record<string, Vector>;

for (const [name, vector] of Object.entries(vectors)) {
  Deno.test(`vector ${name}: ${vector.about}`, () => {
    for (const { content, reading } of vector.messages) {
      assertEquals(readMessage(content, vector), reading);
    }
    const order = addressee(vector);
    for (const { reply, sent } of vector.answers) {
      // The order of keys is part of the expectation: some clients compare texts.
      assertEquals(phrase(replyOf(reply), order!), sent.map((json) => JSON.stringify(json)));
    }
  });
}

function addressee({ messages, envelope }: Vector): Addressee | null {
  const reading = messages[0]!.reading;
  if (reading.type !== "order") return null;
  const traits: Traits = reading.request.traits;
  return { dialect: reading.dialect, customerOrderId: reading.request.customerOrderId, traits, envelope };
}

/** JSON has no bigint. */
function replyOf(json: unknown): Reply {
  return JSON.parse(JSON.stringify(json), (key, value) => key === "amountSat" ? BigInt(value) : value);
}
