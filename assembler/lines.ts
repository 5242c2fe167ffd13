import type { Assembly, LineMap, MacroCall, Range } from "./interface.ts";
import { lastAtOrBelow } from "./last-at-or-below.ts";

const noCalls: ReadonlySet<MacroCall> = new Set();

/** The calls in whose expansions something stands. */
function callsOf(innermost: MacroCall | undefined): ReadonlySet<MacroCall> {
  if (!innermost) return noCalls;
  const calls = new Set<MacroCall>();
  for (let call: MacroCall | undefined = innermost; call; call = call.outer) calls.add(call);
  return calls;
}

/** Makes the line map of an assembly. The call of a macro is a line whose code is the first of its expansion. Reserved space counts as code of its line only where it has an address. */
export function lineMap({ emitted }: Pick<Assembly, "emitted">): LineMap {
  const byAddress = emitted.toSorted((a, b) => a.address - b.address);
  const byFile = new Map<string, Map<number, number[]>>();
  const add = ({ file, line }: Range, address: number) => {
    const lines = byFile.get(file) ?? new Map<number, number[]>();
    byFile.set(file, lines);
    const addresses = lines.get(line);
    if (addresses) addresses.push(address);
    else lines.set(line, [address]);
  };
  let before = noCalls;
  for (const { range, address, expansion } of emitted) {
    add(range, address);
    if (!expansion && before.size === 0) continue;
    const calls = callsOf(expansion);
    for (const call of calls) if (!before.has(call)) add(call.range, address);
    before = calls;
  }
  const sortedLines = new Map([...byFile].map(([file, lines]) => [file, [...lines.keys()].sort((a, b) => a - b)]));
  return {
    at: (address) => {
      const found = byAddress[lastAtOrBelow(byAddress.length, (index) => byAddress[index]!.address, address)];
      return found && address < found.address + found.length ? found : undefined;
    },
    addresses: (file, line) => byFile.get(file)?.get(line) ?? [],
    nextLineWithCode: (file, line) => sortedLines.get(file)?.find((candidate) => candidate >= line),
  };
}
