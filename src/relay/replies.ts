/** NIP-01: the answer to an EVENT, NIP-42: to an AUTH. A reason of a refusal starts with a prefix of NIP-01. */
export function okMessage(eventId: string, accepted: boolean, reason = ""): string {
  return JSON.stringify(["OK", eventId, accepted, reason]);
}

/** NIP-01: the subscription is ended, or never began. */
export function closedMessage(subscription: string, reason: string): string {
  return JSON.stringify(["CLOSED", subscription, reason]);
}

/** NIP-01: end of the stored events. */
export function eoseMessage(subscription: string): string {
  return JSON.stringify(["EOSE", subscription]);
}

/** NIP-01: words for people. */
export function noticeMessage(text: string): string {
  return JSON.stringify(["NOTICE", text]);
}

/** NIP-42: the challenge. */
export function authMessage(challenge: string): string {
  return JSON.stringify(["AUTH", challenge]);
}

/** NIP-45. */
export function countMessage(subscription: string, result: { count: number; approximate?: boolean }): string {
  return JSON.stringify(["COUNT", subscription, result]);
}

/** NIP-01: an event for a subscription. `eventJson` is the event's JSON, so that an event for many subscribers is written as text only once. */
export function eventMessage(subscription: string, eventJson: string): string {
  return `["EVENT",${JSON.stringify(subscription)},${eventJson}]`;
}
