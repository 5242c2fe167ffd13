/**
 * Whether all words of a filter are in the texts that an event has. Of texts that come again and again it is remembered. Undefined: the
 * filter has no words, and lets all through.
 */
export function wordSearch(filter: string): ((sequence: number, texts: readonly string[]) => boolean) | undefined {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const searches = words.map((word) => ({ word, isNumber: /^#?\d*$/.test(word), known: new Map<string, boolean>() }));
  const has = ({ word, known }: (typeof searches)[number], text: string): boolean => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const found = text.toLowerCase().includes(word);
    if (known.size < mostRemembered) known.set(text, found);
    return found;
  };
  return (sequence, texts) =>
    searches.every(
      (search) => texts.some((text) => has(search, text)) || (search.isNumber && `#${sequence}`.includes(search.word)),
    );
}

const mostRemembered = 20_000;
