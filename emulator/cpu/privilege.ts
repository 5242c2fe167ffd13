import { flagMask } from "../../isa/flags.ts";
import type { Privilege } from "../../isa/instruction.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "./cpu.ts";
import { debugRegisterExists } from "./debug-registers.ts";
import { systemType } from "./descriptor.ts";
import { hardwareFault, vector } from "./fault.ts";
import { accessBits } from "./layout.ts";
import type { Fault } from "./monitor.ts";
import { CR4, TR } from "./state.ts";
import { hasVirtualFlag } from "./virtual-interrupts.ts";

const DX = 2;

/** Port of IN, OUT, INS or OUTS: the immediate, or DX. */
function portOf(cpu: Cpu, decoded: Decoded): number {
  for (const operand of decoded.operands) if (operand.kind === "immediate") return Number(operand.value) & 0xff;
  return cpu.r16[DX * 4]!;
}

/** Bytes that IN, OUT, INS or OUTS moves: 1, 2 or 4. INSB and OUTSB have no operand that shows it. */
function portBytes(decoded: Decoded): number {
  for (const operand of decoded.operands) {
    if (operand.kind === "memory" && operand.width !== undefined) return operand.width / 8;
    if (operand.kind === "register" && operand.number === 0) return operand.width / 8;
  }
  return decoded.row.mnemonic.endsWith("sb") ? 1 : Math.min(decoded.operandSize, 32) / 8;
}

/** Reads 2 bytes at a linear address as the processor reads its tables. */
export type TableReader = (linear: number) => number;

/** Whether the I/O permission bitmap of the TSS allows all `bytes` ports from `port` (SDM Vol. 1, 19.5.2). */
function bitmapAllows(cpu: Cpu, port: number, bytes: number, read: TableReader | undefined): boolean {
  const task = cpu.segment(TR);
  const type = task.access & accessBits.type;
  if (type !== systemType.tss32 && type !== systemType.busyTss32) return false;
  if (task.limit < 0x67) return false;
  const map = task.base + 0x66;
  const at = (read ? read(map) : cpu.readSystem(map, 2)) + (port >> 3);
  if (at + 1 > task.limit) return false;
  const mask = ((1 << bytes) - 1) << (port & 7);
  return ((read ? read(task.base + at) : cpu.readSystem(task.base + at, 2)) & mask) === 0;
}

const VM = flagMask("VM");

/** Whether the processor itself lets the present privilege use all ports. */
export const ioFree = (cpu: Cpu): boolean => !cpu.protectedMode || ((cpu.eflags & VM) === 0 && cpu.cpl <= cpu.iopl);

/** Whether the privilege column of a row lets the instruction run now; `read` for who must change nothing by asking. */
export function privilegeAllows(cpu: Cpu, privilege: Privilege, decoded: Decoded, read?: TableReader): boolean {
  switch (privilege) {
    case "none":
      return true;
    case "cpl0":
    case "cpl0-ud":
      return cpu.cpl === 0;
    case "iopl":
      return cpu.cpl <= cpu.iopl || hasVirtualFlag(cpu);
    case "io":
      return ioFree(cpu) || bitmapAllows(cpu, portOf(cpu, decoded), portBytes(decoded), read);
    case "umip":
      return cpu.cpl === 0 || (cpu.cr4 & CR4.UMIP) === 0;
    case "tsd":
      return cpu.cpl === 0 || (cpu.cr4 & CR4.TSD) === 0;
    case "pce":
      return cpu.cpl === 0 || (cpu.cr4 & CR4.PCE) !== 0;
  }
}

export function checkPrivilege(cpu: Cpu, privilege: Privilege, decoded: Decoded): void {
  if (privilegeAllows(cpu, privilege, decoded)) return;
  throw refusal(cpu, privilege, decoded);
}

/** The exception where the privilege column does not let the instruction run. */
export function refusal(cpu: Cpu, privilege: Privilege, decoded: Decoded): Fault {
  const undefinedFirst = privilege === "cpl0-ud" || namesNoRegister(cpu, decoded);
  return undefinedFirst ? hardwareFault(vector.UD) : hardwareFault(vector.GP, 0);
}

/** Control and debug registers that do not exist are #UD at any level. */
function namesNoRegister(cpu: Cpu, { operands }: Decoded): boolean {
  for (const operand of operands) {
    if (operand.kind !== "register") continue;
    if (operand.class === "control") return !controlRegisters.has(operand.number);
    if (operand.class === "debug") return !debugRegisterExists(cpu, operand.number);
  }
  return false;
}

const controlRegisters = new Set([0, 2, 3, 4, 8]);
