import type { Assembly, Emitted, LineMap } from "./interface.ts";

/** Makes the line map of an assembly. Reserved space counts as code of its line only where it has an address. */
export function lineMap({ emitted }: Pick<Assembly, "emitted">): LineMap {
  const byAddress = emitted.toSorted((a, b) => a.address - b.address);
  const byFile = new Map<string, Map<number, number[]>>();
  for (const { range, address } of emitted) {
    const lines = byFile.get(range.file) ?? new Map<number, number[]>();
    byFile.set(range.file, lines);
    const addresses = lines.get(range.line);
    if (addresses) addresses.push(address);
    else lines.set(range.line, [address]);
  }
  const sortedLines = new Map([...byFile].map(([file, lines]) => [file, [...lines.keys()].sort((a, b) => a - b)]));
  return {
    at: (address) => {
      const found = byAddress[lastAtOrBelow(byAddress, address)];
      return found && address < found.address + found.length ? found : undefined;
    },
    addresses: (file, line) => byFile.get(file)?.get(line) ?? [],
    nextLineWithCode: (file, line) => sortedLines.get(file)?.find((candidate) => candidate >= line),
  };
}

/** Index of the last item that starts at or below the address; -1 if there is none. */
function lastAtOrBelow(items: readonly Emitted[], address: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
