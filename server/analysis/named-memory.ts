import type { Assembly, InstructionMention, Range, SymbolDefinition } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";

/** A constant that a program puts at a place that has a name. */
export interface NamedConstant {
  /** The statement that puts it there. */
  readonly range: Range;
  readonly symbol: SymbolDefinition;
  /** Bytes behind the symbol. */
  readonly offset: number;
  readonly value: bigint;
  /** Bits of the store, or of the datum. */
  readonly width: number;
  /** It is all that the statement says. */
  readonly isAlone: boolean;
}

const storesConstant = ({ mnemonic, operands: [to, from] }: Row): boolean =>
  mnemonic === "mov" && (to?.kind === "rm" || to?.kind === "memory") && from?.kind === "immediate";

/** The last symbol at or below an address, no further than `most` bytes. */
function below(symbols: readonly SymbolDefinition[], address: bigint, most: number): SymbolDefinition | undefined {
  return symbols.findLast(({ value }) => value !== undefined && value <= address && address - value < BigInt(most));
}

/** Constants at fixed addresses in tables with such names, stored or defined there; `most` is the size of the largest table. */
export function namedConstants(assembly: Assembly, name: RegExp, most: number): NamedConstant[] {
  if (!assembly.symbolsNamed(name).some(({ value }) => value !== undefined)) return [];
  const symbols = [...assembly.symbols.values()]
    .filter((symbol) => symbol.kind !== "define" && symbol.value !== undefined)
    .sort((a, b) => Number(a.value! - b.value!));
  const stores = assembly.mentionsOf(storesConstant);
  return [...storedConstants(stores, symbols, name, most), ...dataOf(assembly, symbols, name, most)];
}

const entryBytes = 8;

/** Data of eight bytes each under such names: `pml4: dq pdpt + 3`. */
function dataOf(assembly: Assembly, symbols: readonly SymbolDefinition[], name: RegExp, most: number): NamedConstant[] {
  const { bytes } = assembly;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return assembly.emitted.flatMap(({ address, position, length, decoded, range }): NamedConstant[] => {
    if (decoded || position === undefined || length % entryBytes !== 0 || length > most) return [];
    const symbol = below(symbols, BigInt(address), most);
    if (symbol?.kind !== "label" || !name.test(symbol.name) || position + length > bytes.length) return [];
    return Array.from({ length: length / entryBytes }, (_, n) => ({
      ...{ range, symbol, width: 64, isAlone: length === entryBytes },
      offset: address + n * entryBytes - Number(symbol.value),
      value: view.getBigUint64(position + n * entryBytes, true),
    }));
  });
}

function storedConstants(
  stores: readonly InstructionMention[],
  symbols: readonly SymbolDefinition[],
  name: RegExp,
  most: number,
): NamedConstant[] {
  return stores.flatMap((mention): NamedConstant[] => {
    const [to, from] = mention.decoded?.operands ?? [];
    if (to?.kind !== "memory" || from?.kind !== "immediate" || (to.width ?? 0) < 32) return [];
    if (to.base !== undefined || to.index !== undefined || to.ripRelative) return [];
    const symbol = below(symbols, to.displacement, most);
    if (!symbol || !name.test(symbol.name)) return [];
    const offset = Number(to.displacement - symbol.value!);
    return [{ range: mention.range, symbol, offset, value: from.value, width: Number(to.width), isAlone: true }];
  });
}
