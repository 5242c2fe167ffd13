import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { TechniqueId } from "../isa/technique.ts";
import { type Registers, readRegisters } from "./registers.ts";

export type Mode = "real" | "virtual-8086" | "protected" | "compatibility" | "64-bit";

/** Where the processor about to run is. */
export interface RingsNow {
  readonly technique: TechniqueId;
  readonly step: number;
  readonly cycle: number;
  readonly vcpu: number;
  readonly processors: number;
  /** The VMM is about to act: an exit is pending. */
  readonly inVmm: boolean;
  /** VMX as a hypervisor of the guest's own uses it; absent where it does not. */
  readonly operation?: "root" | "non-root";
  /** The privilege level that the guest is meant to see, and the one at which it runs. */
  readonly ring: { readonly seen: number; readonly real: number };
  readonly mode: Mode;
  /** CR3, hexadecimal; absent without paging. */
  readonly addressSpace?: string;
  /** Registers in which the processor holds something else than the guest is meant to see: hexadecimal. */
  readonly differing: readonly { readonly name: string; readonly seen: string; readonly real: string }[];
}

const protection = 1n;
const paging = 1n << 31n;
const virtual8086 = 1n << 17n;
const longModeActive = 1n << 10n;
const real = /^(?<name>.+) \(REAL\)$/;

const hex = (value: bigint | undefined): string => (value ?? 0n).toString(16).toUpperCase();

function modeOf(machine: MachineInterface, value: (name: string) => bigint): Mode {
  if (machine.bits === 64) return "64-bit";
  if ((value("IA32_EFER") & longModeActive) !== 0n) return "compatibility";
  if ((value("CR0") & protection) === 0n) return "real";
  return (value("EFLAGS") & virtual8086) !== 0n ? "virtual-8086" : "protected";
}

function differing(registers: Registers): RingsNow["differing"] {
  return [...registers].flatMap(([name, view]) => {
    const of = real.exec(name)?.groups?.["name"];
    if (of === undefined) return [];
    return [{ name: view.name.replace(" (real)", ""), seen: hex(registers.get(of)?.value), real: hex(view.value) }];
  });
}

/** Answers `ringside/rings`; changes nothing. */
export function ringsNow(machine: MachineInterface): RingsNow {
  const registers = readRegisters(machine);
  const value = (name: string): bigint => registers.get(name)?.value ?? 0n;
  const operation = machine.vmx?.hypervisor === "guest" ? machine.vmx.operation : "off";
  return {
    technique: machine.configuration.technique,
    step: machine.now,
    cycle: machine.cycle,
    vcpu: machine.vcpu,
    processors: machine.guest.processors ?? 1,
    inVmm: machine.pendingExit !== undefined,
    ...(operation === "off" ? {} : { operation }),
    ring: { seen: Number(value("CPL")), real: machine.cpl },
    mode: modeOf(machine, value),
    ...((value("CR0") & paging) === 0n ? {} : { addressSpace: hex(value("CR3")) }),
    differing: differing(registers),
  };
}
