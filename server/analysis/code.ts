import type { Assembly, InstructionMention } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";

/** The instructions of a program in order, and by address. */
export class Code {
  readonly mentions: readonly InstructionMention[];
  private readonly places = new Map<number, number>();

  constructor({ mentions }: Assembly) {
    this.mentions = mentions;
    for (let n = mentions.length - 1; n >= 0; n--) {
      const address = mentions[n]!.address;
      if (address !== undefined) this.places.set(address, n);
    }
  }

  /** The index of the instruction at an address. */
  at(address: number | undefined): number | undefined {
    return address === undefined ? undefined : this.places.get(address);
  }

  /** Where the processor goes on behind an instruction; one that cannot be assembled yet is passed over. */
  after(n: number): number | undefined {
    const { address, bytes } = this.mentions[n]!;
    if (address === undefined || !bytes) return n + 1 < this.mentions.length ? n + 1 : undefined;
    const next = this.at(address + bytes.length);
    if (next !== undefined) return next;
    const unfinished = this.mentions[n + 1];
    return unfinished && unfinished.address === undefined ? n + 1 : undefined;
  }

  /** The target of a near branch. */
  target(n: number): number | undefined {
    const { address, decoded } = this.mentions[n]!;
    const [operand] = decoded?.operands ?? [];
    if (address === undefined || operand?.kind !== "relative") return undefined;
    const end = address + decoded!.length + operand.distance;
    return this.at(decoded!.operandSize === 16 ? end & 0xffff : end) ?? this.at(end);
  }
}

const farMnemonics = new Set(["retf", "iret", "iretd", "iretq", "sysexit", "sysret"]);

const writesControl = ({ operands: [to], mnemonic }: Row): boolean =>
  (mnemonic === "mov" && to?.kind === "control") || mnemonic === "lmsw";

export const isFarTransfer = ({ mnemonic, operands: [to] }: Row): boolean =>
  farMnemonics.has(mnemonic) ||
  ((mnemonic === "jmp" || mnemonic === "call") && (to?.kind === "far" || to?.farMemory !== undefined));

/** What may change mode or ring. */
export const switchesMode = (row: Row): boolean => writesControl(row) || row.mnemonic === "wrmsr" || isFarTransfer(row);

const interruptMnemonics = new Set(["cli", "sti", "popf", "popfd", "popfq", "hlt", "iret", "iretd", "iretq"]);

/** What is about the interrupt flag. */
export const isAboutInterrupts = ({ mnemonic }: Row): boolean => interruptMnemonics.has(mnemonic);
