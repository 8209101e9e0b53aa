/** What the row of a relay says that needn't take a message any more, since it was said again before it left. */
export const SAID_AGAIN = "superseded: it was said again";
