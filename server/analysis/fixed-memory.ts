import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import type { Decoded, Operand } from "../../isa/operands.ts";

export const writesMemory = ({ operands: [to], access, mnemonic }: Row): boolean =>
  (to?.kind === "rm" || to?.kind === "memory") && access[0] !== "r" && mnemonic !== "lea";

/** The address of a memory operand that names no register; undefined of all others. `next` is that of the next instruction. */
export function fixedAddress(operand: Operand | undefined, next: number): number | undefined {
  if (operand?.kind !== "memory" || operand.base !== undefined || operand.index !== undefined) return undefined;
  const from = operand.ripRelative ? BigInt(next) : 0n;
  return Number(BigInt.asUintN(operand.addressSize === 64 ? 48 : operand.addressSize, from + operand.displacement));
}

/** Bytes at a fixed address. */
interface Extent {
  readonly address: number;
  readonly bytes: number;
}

/** The bytes at a fixed address that an instruction reads or writes by its first operand. */
export function fixedExtent({ decoded, address }: InstructionMention): Extent | undefined {
  const [to] = decoded?.operands ?? [];
  if (!decoded || address === undefined || to?.kind !== "memory") return undefined;
  const at = fixedAddress(to, address + decoded.length);
  return at === undefined ? undefined : { address: at, bytes: (to.width ?? 8) / 8 };
}

/** What a program has at fixed addresses and, as far as its stores to fixed addresses show, does not change. */
export class Constants {
  private readonly assembly: Assembly;
  private stores: readonly Extent[] | undefined;
  private readonly known = new Map<string, bigint | undefined>();

  constructor(assembly: Assembly) {
    this.assembly = assembly;
  }

  /** A little-endian number of some bytes; undefined where nothing constant is. */
  read(address: number | undefined, bytes: number): bigint | undefined {
    if (address === undefined) return undefined;
    const key = `${address} ${bytes}`;
    if (!this.known.has(key)) this.known.set(key, this.look(address, bytes));
    return this.known.get(key);
  }

  private look(address: number, bytes: number): bigint | undefined {
    this.stores ??= this.assembly.mentionsOf(writesMemory).flatMap((mention) => fixedExtent(mention) ?? []);
    const isStored = this.stores.some((one) => one.address < address + bytes && address < one.address + one.bytes);
    const found = isStored ? undefined : this.assembly.dataAt(address, bytes);
    return found?.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** What a memory operand of an instruction at an address reads. */
  operand(operand: Operand | undefined, { length }: Decoded, address: number | undefined, bytes: number, offset = 0) {
    if (address === undefined) return undefined;
    const at = fixedAddress(operand, address + length);
    return this.read(at === undefined ? undefined : at + offset, bytes);
  }
}
