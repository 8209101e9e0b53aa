import { z } from "@hono/zod-openapi";
import type { StoryEntry } from "../../reports/order_story.ts";
import { rfc3339, rfc3339OrNull, time } from "./describe.ts";

const relayDelivery = z.object({
  relay: z.string(),
  state: z.enum(["pending", "delivered", "failed"]),
  customer_reads: z.boolean().openapi({ description: "the customer is known to read this relay" }),
  attempts: z.number().int(),
  answer: z.string().nullable().openapi({ description: "what the relay said last, or why it said nothing" }),
  next_try_at: time.nullable(),
});

/** One entry of an order's timeline. */
export const timelineEntry = z.object({
  at: time,
  event: z.string().openapi({
    description: "a word for machines; `received` = a message of the customer, `delivery` = one of ours",
  }),
  text: z.string().openapi({ description: "a sentence for people" }),
  delivery: z.object({
    state: z.enum(["delivered", "partly", "waiting", "failed"]),
    relays: z.array(relayDelivery),
  }).optional().openapi({ description: "with `delivery`: how far the message has come" }),
});

/** An entry as the API shows it. */
export function timelineJson({ at, event, text, delivery }: StoryEntry): z.infer<typeof timelineEntry> {
  return {
    at: rfc3339(at),
    event,
    text,
    ...(delivery && {
      delivery: {
        state: delivery.state,
        relays: delivery.relays.map((row) => ({
          relay: row.relay,
          state: row.state,
          customer_reads: row.reads === 1,
          attempts: row.attempts,
          answer: row.answer,
          next_try_at: rfc3339OrNull(row.state === "pending" ? row.next_at : null),
        })),
      },
    }),
  };
}
