import { format } from "../../../isa/format.ts";
import type { Decoded } from "../../../isa/operands.ts";
import type { Outlook } from "../../trace/event.ts";
import { trapOutlook } from "../cpu/trap-outlook.ts";
import type { Domain } from "./domain.ts";
import { hypercallExit, hypercallVector, type KnownExit, systemCallExit } from "./entries.ts";

export const directVector = 0x80;

/** INT 80h goes to the guest's handler itself: 32-bit guests, if the handler is for user mode and masks no events. */
export function isDirect({ bits, state }: Domain): boolean {
  const trap = state.traps[directVector];
  return bits === 32 && trap !== undefined && trap.level === 3 && !trap.masksEvents;
}

const vectorOf = ({ row, operands }: Decoded): number | undefined => {
  const [operand] = operands;
  return row.mnemonic === "int" && operand?.kind === "immediate" ? Number(operand.value) & 0xff : undefined;
};

const leaving = (decoded: Decoded, { why }: KnownExit): Outlook => ({
  outcome: "leaves",
  what: format(decoded),
  why,
  sensitive: true,
});

/** What becomes of an instruction of a paravirtual guest. */
export function paravirtualOutlook(domain: Domain, decoded: Decoded): Outlook {
  const { cpu, bits } = domain;
  const number = vectorOf(decoded);
  if (bits === 64 && decoded.row.mnemonic === "syscall")
    return leaving(decoded, domain.state.kernelMode ? hypercallExit(domain) : systemCallExit);
  if (bits === 32 && number === hypercallVector && cpu.cpl === 1) return leaving(decoded, hypercallExit(domain));
  if (number === directVector && isDirect(domain))
    return {
      outcome: "runs",
      what: format(decoded),
      why: {
        sentence:
          "Xen has made the gate for vector 80h lead to the guest's own handler: the system call does not come by Xen.",
        rule: "Xen's IDT, gate 80h: DPL 3, the guest's code segment",
        source: "Barham et al., SOSP 2003, section 3.2.1",
      },
      sensitive: true,
    };
  if (number !== undefined || /^int(3|o)$/.test(decoded.row.mnemonic))
    return {
      outcome: "leaves",
      what: format(decoded),
      why: {
        sentence:
          "Software interrupts go to Xen, which passes them on to the handler in the guest's trap table, or #GP if that is for an inner level.",
        rule: "Xen's IDT: its gates lead to Xen",
        source: "SDM Vol. 3, 6.12.1: Exception- or Interrupt-Handler Procedures",
      },
      sensitive: true,
    };
  return trapOutlook(cpu, decoded, "paravirtualization");
}
