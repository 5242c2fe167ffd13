import type { Row } from "../../isa/instruction.ts";

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
