import type { Assembly, InstructionMention, SymbolDefinition } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";

/** A constant that a program puts at a place that has a name. */
export interface NamedConstant {
  readonly mention: InstructionMention;
  readonly symbol: SymbolDefinition;
  /** Bytes behind the symbol. */
  readonly offset: number;
  readonly value: bigint;
  /** Bits of the store. */
  readonly width: number;
}

const storesConstant = ({ mnemonic, operands: [to, from] }: Row): boolean =>
  mnemonic === "mov" && (to?.kind === "rm" || to?.kind === "memory") && from?.kind === "immediate";

/** The last symbol at or below an address, no further than `most` bytes. */
function below(symbols: readonly SymbolDefinition[], address: bigint, most: number): SymbolDefinition | undefined {
  return symbols.findLast(({ value }) => value !== undefined && value <= address && address - value < BigInt(most));
}

/** Stores of constants to fixed addresses in tables with such names; `most` is the size of the largest table. */
export function namedConstants(assembly: Assembly, name: RegExp, most: number): NamedConstant[] {
  const stores = assembly.mentionsOf(storesConstant);
  if (stores.length === 0) return [];
  const symbols = [...assembly.symbols.values()]
    .filter((symbol) => symbol.kind !== "define" && symbol.value !== undefined)
    .sort((a, b) => Number(a.value! - b.value!));
  if (!symbols.some((symbol) => name.test(symbol.name))) return [];
  return stores.flatMap((mention): NamedConstant[] => {
    const [to, from] = mention.decoded?.operands ?? [];
    if (to?.kind !== "memory" || from?.kind !== "immediate" || (to.width ?? 0) < 32) return [];
    if (to.base !== undefined || to.index !== undefined || to.ripRelative) return [];
    const symbol = below(symbols, to.displacement, most);
    if (!symbol || !name.test(symbol.name)) return [];
    const offset = Number(to.displacement - symbol.value!);
    return [{ mention, symbol, offset, value: from.value, width: Number(to.width) }];
  });
}
