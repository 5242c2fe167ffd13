import { format } from "../../../isa/format.ts";
import type { Decoded } from "../../../isa/operands.ts";
import { gradeOf } from "../../../isa/sensitivity.ts";
import type { Cpu } from "../../cpu/cpu.ts";
import { vectorName } from "../../cpu/fault.ts";
import { forbidden, isSensitive, missing } from "../../cpu/outlook.ts";
import type { Outlook } from "../../trace/event.ts";
import { systemCallWhy } from "./trap-reasons.ts";

const source = "Popek and Goldberg, CACM 1974; Robin and Irvine, USENIX Security 2000";
const softwareInterrupts = new Set(["int", "int3", "into"]);

/** What becomes of an instruction at the ring in which trap and emulate really runs it: every exception is the VMM's. */
export function trapOutlook(
  cpu: Cpu,
  decoded: Decoded,
  technique: "trap-and-emulate" | "paravirtualization" = "trap-and-emulate",
): Outlook {
  const { row } = decoded;
  const what = format(decoded);
  const name = row.mnemonic.toUpperCase();
  const sensitive = isSensitive(row);
  const refused = forbidden(cpu, decoded);
  if (refused) {
    const { fault, why } = refused;
    const then =
      technique === "paravirtualization"
        ? "the hypervisor, which emulates what its interface promises and passes on the rest"
        : `the VMM, which emulates ${name} at the level that the guest believes to have`;
    const sentence = `${why.sentence} ${vectorName(fault.vector)} goes to ${then}.`;
    return { outcome: "leaves", what: `${what}: ${vectorName(fault.vector)}`, why: { ...why, sentence }, sensitive };
  }
  const lacking = missing(decoded);
  if (lacking) return { outcome: "leaves", what, why: lacking, sensitive };
  if (technique === "trap-and-emulate" && softwareInterrupts.has(row.mnemonic))
    return {
      outcome: "leaves",
      what,
      why: {
        sentence: `The gates of the VMM's IDT are for ring 0, so that ${name} faults into the VMM, which delivers it.`,
        rule: `shadow IDT: DPL 0 < CPL ${cpu.cpl}`,
        source: "SDM Vol. 3, 6.12.1: Exception- or Interrupt-Handler Procedures",
      },
      sensitive,
    };
  if (technique === "trap-and-emulate" && row.mnemonic === "syscall" && cpu.bits === 64)
    return { outcome: "leaves", what: `${what}: #UD`, why: systemCallWhy, sensitive };
  const { sentence } = gradeOf(decoded, technique);
  return {
    outcome: "runs",
    what,
    why: { sentence: `${name} does not trap. ${sentence}`, rule: `CPL ${cpu.cpl}, privilege allows it`, source },
    sensitive,
  };
}
