import { format } from "../../isa/format.ts";
import { mayLeaveGuest, type Row } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Outlook, Why } from "../trace/event.ts";
import type { Cpu } from "./cpu.ts";
import { isImplemented } from "./cpuid.ts";
import { hardwareFault, vector, vectorName } from "./fault.ts";
import type { Fault } from "./monitor.ts";
import { privilegeAllows, refusal } from "./privilege.ts";
import { CR4 } from "./state.ts";
import { vmxOperation } from "./virtualization.ts";

/** What the processor itself decides of an instruction before a hypervisor could have a say, as far as it is found without executing it. */

const sources = {
  protection: "SDM Vol. 3, 5.9: Privileged Instructions",
  io: "SDM Vol. 1, 19.5: Protected-Mode I/O",
  exceptions: "SDM Vol. 2, exceptions of the instruction",
} as const;

const name = ({ row }: Decoded): string => row.mnemonic.toUpperCase();

/** Whether there is anything to decide about an instruction: a privilege, a sensitivity, a control. */
export const isSensitive = (row: Row): boolean =>
  row.privilege !== "none" || row.sensitivity.kind !== "innocuous" || mayLeaveGuest(row);

/** Bytes of machine memory at a linear address, as the processor would read its tables; all ones where there is none. Changes nothing. */
export function peekTable(cpu: Cpu, linear: number): number {
  let value = 0;
  for (const n of [0, 1]) {
    const { host } = cpu.walk(cpu.wrap(linear + n), "read", false);
    const known = host !== undefined && cpu.physical.isRam(host);
    value |= (known ? cpu.bytes[cpu.physical.ramBase + host]! : 0xff) << (8 * n);
  }
  return value;
}

/** The exception that an instruction raises by its privilege, mode or lack, and the rule; undefined if none. */
export function forbidden(cpu: Cpu, decoded: Decoded): { readonly fault: Fault; readonly why: Why } | undefined {
  const { privilege, protectedOnly, feature } = decoded.row;
  if (protectedOnly && cpu.realAddressing)
    return {
      fault: hardwareFault(vector.UD),
      why: {
        sentence: `${name(decoded)} does not exist in real-address and virtual-8086 mode.`,
        rule: "CR0.PE = 0 or EFLAGS.VM = 1",
        source: sources.exceptions,
      },
    };
  if (
    feature !== undefined &&
    !isImplemented(feature) &&
    !(feature === "VMX" && cpu.vmx && cpu.vmxOperation === vmxOperation.root)
  )
    return undefined;
  if (privilegeAllows(cpu, privilege, decoded, (linear) => peekTable(cpu, linear))) return undefined;
  return { fault: refusal(cpu, privilege, decoded), why: privilegeWhy(cpu, decoded) };
}

function privilegeWhy(cpu: Cpu, decoded: Decoded): Why {
  const { cpl, iopl } = cpu;
  const { privilege } = decoded.row;
  if (privilege === "iopl" || privilege === "io") {
    const bitmap = privilege === "io" ? ", and the I/O bitmap of the TSS does not allow the port" : "";
    return {
      sentence: `${name(decoded)} needs CPL ≤ IOPL; the CPL is ${cpl} and IOPL is ${iopl}.`,
      rule: `CPL ${cpl} > IOPL ${iopl}${bitmap}`,
      source: privilege === "io" ? sources.io : sources.protection,
    };
  }
  const bit = { umip: " and CR4.UMIP = 1", tsd: " and CR4.TSD = 1", pce: " and CR4.PCE = 0" } as const;
  const rule = `CPL ${cpl} > 0${privilege in bit ? bit[privilege as keyof typeof bit] : ""}`;
  return { sentence: `${name(decoded)} is privileged, and the CPL is ${cpl}.`, rule, source: sources.protection };
}

/** What the processor has not: it raises #UD, where nothing takes it before. */
export const missing = ({ row }: Decoded): Why | undefined =>
  row.feature === undefined || isImplemented(row.feature)
    ? undefined
    : {
        sentence: `${row.mnemonic.toUpperCase()} raises #UD: this processor does not have ${row.feature}.`,
        rule: `CPUID tells of no ${row.feature}`,
        source: sources.exceptions,
      };

const isVmx = ({ row: { feature, mnemonic } }: Decoded): boolean => feature === "VMX" || mnemonic === "vmcall";

/** Why a VMX instruction raises #UD on a processor that has VMX; undefined if it does not. */
function outsideVmx(cpu: Cpu, decoded: Decoded): Why | undefined {
  const begins = decoded.row.mnemonic === "vmxon";
  const ready = begins ? (cpu.cr4 & CR4.VMXE) !== 0 : cpu.vmxOperation !== vmxOperation.off;
  if (ready && (!cpu.longMode || cpu.bits === 64) && decoded.row.mnemonic !== "vmfunc") return undefined;
  const rule = ready
    ? "no guest runs, or the code is in compatibility mode"
    : begins
      ? "CR4.VMXE = 0"
      : "no VMX operation: VMXON begins it";
  return { sentence: `${name(decoded)} raises #UD here.`, rule, source: sources.exceptions };
}

/** The outlook of an instruction that raises an exception, of which a hypervisor may want to hear. */
export const raising = (
  what: string,
  number: number,
  why: Why,
  { exits, why: then }: { readonly exits: boolean; readonly why: Why },
): Outlook => ({
  outcome: exits ? "leaves" : "faults",
  what: `${what}: ${vectorName(number)}`,
  why: {
    sentence: `${why.sentence} ${then.sentence}`,
    rule: `${why.rule}; ${then.rule}`,
    source: `${why.source}; ${then.source}`,
  },
  sensitive: true,
});

/** The outlook where no hypervisor is there. */
export function bareOutlook(cpu: Cpu, decoded: Decoded): Outlook {
  const what = format(decoded);
  const sensitive = isSensitive(decoded.row);
  const refused = forbidden(cpu, decoded);
  if (refused) {
    const { fault, why } = refused;
    return { outcome: "faults", what: `${what}: ${vectorName(fault.vector)}`, why, sensitive };
  }
  const inRoot = cpu.vmxOperation === vmxOperation.root;
  const lacking = cpu.vmx && isVmx(decoded) ? outsideVmx(cpu, decoded) : missing(decoded);
  if (lacking) return { outcome: "faults", what, why: lacking, sensitive };
  const why = {
    sentence: `${inRoot ? "The hypervisor itself runs, in VMX root operation" : "There is no hypervisor"}: the processor executes ${name(decoded)} itself.`,
    rule: sensitive ? `CPL ${cpu.cpl}, and privilege allows it` : "no privilege and no control concerns it",
    source: sources.protection,
  };
  return { outcome: "runs", what, why, sensitive };
}
