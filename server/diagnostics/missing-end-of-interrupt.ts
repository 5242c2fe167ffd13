import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";

/** Instructions of a handler that are looked at, from its IRET upwards. */
const longest = 80;

const isReturn = ({ mnemonic }: Row): boolean => /^iret[dq]?$/.test(mnemonic);
/** What stands before it belongs to something else. */
const endsAnother = /^(ret|retf|iret[dq]?|jmp|hlt|sysexit|sysret)$/;
/** Leads to code that may end the interrupt. */
const leavesElsewhere = /^(call|int|jmp|wrmsr|vmcall|vmmcall)$/;

/** The handler's instructions: back from its IRET to where other code ends. */
function handlerOf(mentions: readonly InstructionMention[], end: number): readonly InstructionMention[] | undefined {
  for (let n = end - 1; n >= Math.max(0, end - longest); n--)
    if (endsAnother.test(mentions[n]!.row?.mnemonic ?? "")) return mentions.slice(n + 1, end);
  return end < longest ? mentions.slice(0, end) : undefined;
}

/** May tell an interrupt controller: OUT to 20h, A0h or a port that is not known; a store to EOI of the local APIC (B0h). */
function mayEnd({ row, decoded }: InstructionMention): boolean {
  if (!row) return true;
  if (leavesElsewhere.test(row.mnemonic)) return true;
  const [to] = decoded?.operands ?? [];
  if (row.mnemonic === "out") return to?.kind !== "immediate" || to.value === 0x20n || to.value === 0xa0n;
  return to?.kind === "memory" && (to.displacement & 0xfffn) === 0xb0n && row.access[0] !== "r";
}

const readsKeyboard = ({ row, decoded }: InstructionMention): boolean => {
  const from = decoded?.operands[1];
  return row?.mnemonic === "in" && from?.kind === "immediate" && from.value === 0x60n;
};

/** Names of handlers of devices, whole words of them: `irq0`, `timer_handler`. */
const deviceNames = /(^|[_.])(irq\d*|timer|pit|keyboard|kbd|mouse|rtc)($|[_.]|\d|handler|isr|irq|int)/i;

function isDevices(assembly: Assembly, handler: readonly InstructionMention[]): boolean {
  if (handler.some(readsKeyboard)) return true;
  const [first] = handler;
  if (!first) return false;
  const { file, line } = first.range;
  const names = [line, line - 1].flatMap((one) => (one < 0 ? [] : assembly.onLine(file, one).definitions));
  return names.some(({ name }) => deviceNames.test(name));
}

const accumulators = { 16: "ax", 32: "eax", 64: "rax" } as const;

function acknowledged({ bits, range }: InstructionMention): NonNullable<Problem["fixes"]> {
  const register = accumulators[bits];
  const text = `push ${register}\n        mov al, 20h\n        out 20h, al\n        pop ${register}\n        `;
  return [
    { title: "End the interrupt at the first controller", edits: [{ range: { ...range, end: range.start }, text }] },
  ];
}

/** A handler of a device's interrupt that tells no interrupt controller that it is done: the next one never comes. */
export function missingEndOfInterrupt(assembly: Assembly): Problem[] {
  const returns = new Set(assembly.mentionsOf(isReturn));
  if (returns.size === 0) return [];
  const { mentions } = assembly;
  return mentions.flatMap((mention, n): Problem[] => {
    const handler = returns.has(mention) ? handlerOf(mentions, n) : undefined;
    if (!handler || handler.some(mayEnd) || !isDevices(assembly, handler)) return [];
    const message =
      "This handler returns without ending the interrupt: the controller holds back all interrupts of the same and lower priority. Write 20h to port 20h (from the second controller also to A0h), or 0 to EOI of the local APIC (FEE000B0h). (Intel 8259A, OCW2; SDM Vol. 3, EOI register.)";
    // In real mode the BIOS may have ended it: handlers of INT 1Ch are called from its own.
    const severity = mention.bits === 16 ? "information" : "warning";
    return [
      { code: "missing-end-of-interrupt", severity, message, range: mention.range, fixes: acknowledged(mention) },
    ];
  });
}
