const MOST = 5;
const LONGEST = 60;

/** `"Mug" (id)`: how a customer is told which thing is meant. */
export function named({ id, name }: { id: string; name: string }): string {
  return `"${shortened(name)}" (${shortened(id)})`;
}

/** The first few of them and how many more there are. */
export function list(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST).map((text) =>
    text.length > 2 * LONGEST ? `${text.slice(0, 2 * LONGEST)}…` : text
  );
  const more = texts.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}

/** Names are shown, not obeyed: a long one is cut. */
export function shortened(text: string): string {
  const points = [...text];
  return points.length > LONGEST ? `${points.slice(0, LONGEST - 1).join("")}…` : text;
}
