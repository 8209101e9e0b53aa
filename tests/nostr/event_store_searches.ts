import { assertEquals } from "@std/assert";
import type { NostrEvent, NostrFilter } from "@nostrify/types";
import { ALICE, sample } from "./event_samples.ts";
import { sortedIds, type StoreTest } from "./event_store_harness.ts";

/** Q6: NIP-50. */
export function searches(test: StoreTest): void {
  test("Q6 search finds words, phrases and what lacks a word", async (store) => {
    const note = (content: string, tags: string[][] = []) => sample({ content, tags });
    const [fox, dog, both] = [
      note("The quick brown fox"),
      note("a lazy dog", [["t", "sleepy"]]),
      note("brown dog and quick fox"),
    ];
    for (const event of [fox!, dog!, both!]) await store.event(event);
    await store.event(sample({ kind: 30018, content: "fox" }));
    const found = (search: string, more: NostrFilter = {}) => sortedIds(store, [{ search, ...more }]);
    const sorted = (...events: NostrEvent[]) => events.map((event) => event.id).sort();
    assertEquals(await found("fox"), sorted(fox!, both!));
    assertEquals(await found("FOX"), sorted(fox!, both!));
    assertEquals(await found("sleepy"), sorted(dog!));
    assertEquals(await found("brown dog"), sorted(both!));
    assertEquals(await found('"brown fox"'), sorted(fox!));
    assertEquals(await found('"dog brown"'), []);
    assertEquals(await found("brown -dog"), sorted(fox!));
    assertEquals(await found("-dog"), sorted(fox!));
    assertEquals(await found("-dog -quick"), []);
    assertEquals(await found("zebra"), []);
    assertEquals(await found("fox", { kinds: [30018] }), []);
    assertEquals(await found("fox", { authors: [ALICE], limit: 1 }).then((list) => list.length), 1);
    assertEquals(await found(""), await sortedIds(store, [{}]));
  });

  test("Q6 search takes every character", async (store) => {
    await store.event(sample({ content: "it's a t-shirt for 5 \u20ac, caf\u00e9 \u65e5\u672c" }));
    for (
      const search of [
        "!!!",
        '"',
        "'",
        "&|!()<->:*",
        "zz:",
        ":zz",
        "-",
        "--",
        "\\",
        "%_",
        "fox !!!",
        '"\'"',
        "\ud83d",
        "*",
        "NEAR(",
        '""',
      ]
    ) {
      assertEquals(await store.query([{ search }]), [], JSON.stringify(search));
    }
    for (const search of ["t-shirt", "caf\u00e9", "shirt!", "(shirt)", '"t shirt"', "5"]) {
      assertEquals((await store.query([{ search }])).length, 1, JSON.stringify(search));
    }
  });

  test("Q6 search finds nothing where nothing is indexed", async (store) => {
    await store.event(sample({ content: "fox" }));
    assertEquals(await store.query([{ search: "fox" }]), []);
    assertEquals(await store.query([{ search: "-dog" }]), []);
  }, { indexSearch: () => undefined });

  test("Q6 search follows replacements and deletions", async (store) => {
    await store.event(sample({ kind: 0, created_at: 1, content: "old" }));
    await store.event(sample({ kind: 0, created_at: 2, content: "fresh" }));
    assertEquals(await store.query([{ search: "old" }]), []);
    assertEquals((await store.query([{ search: "fresh" }])).length, 1);
    await store.remove([{ search: "fresh" }]);
    await store.event(sample({ kind: 1, content: "other" }));
    assertEquals(await store.query([{ search: "fresh" }]), []);
  });

  test("Q6 search knows extensions", async (store) => {
    const speak = (language: string, region: string) => sample({ content: `${language} ${region}` });
    const [pt, ptbr, en] = [speak("pt", "pt"), speak("pt", "br"), speak("en", "us")];
    for (const event of [pt!, ptbr!, en!]) await store.event(event);
    await store.event(sample({ content: "none" }));
    const found = (search: string) => sortedIds(store, [{ search }]);
    const sorted = (...events: NostrEvent[]) => events.map((event) => event.id).sort();
    assertEquals(await found("language:pt"), sorted(pt!, ptbr!));
    assertEquals(await found("language:pt language:en"), sorted(pt!, ptbr!, en!));
    assertEquals(await found("language:pt region:br"), sorted(ptbr!));
    assertEquals(await found("language:pt -region:br"), sorted(pt!));
    assertEquals(await found("-language:pt -language:en"), sorted(sample({ content: "none" })));
    assertEquals(await found("language:pt br"), sorted(ptbr!));
    assertEquals(await found("unknown:x"), []);
  }, {
    indexExtensions: (event) => {
      const [language, region] = event.content.split(" ");
      return Promise.resolve(language && region ? { language, region } : ({} as Record<string, string>));
    },
  });
}
