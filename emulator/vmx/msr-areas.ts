import type { Cpu } from "../cpu/cpu.ts";
import { isFault } from "../cpu/fault.ts";
import { readMsr, writeMsr } from "../cpu/msr.ts";
import { hex } from "./bit-layout.ts";
import type { HostMemory } from "./host-memory.ts";
import type { Vmcs } from "./vmcs.ts";
import { encodingText } from "./vmcs-fields.ts";

/** Index at 0, reserved at 4, data at 8. */
const entryBytes = 16;

/** MSRs that no area may load (SDM Vol. 3, 27.4): FS and GS bases, which the VMCS has, the microcode update, and those of x2APIC. */
const notLoaded = (index: number): boolean =>
  index === 0xc000_0100 || index === 0xc000_0101 || index === 0x79 || isX2Apic(index);
const isX2Apic = (index: number): boolean => index >>> 8 === 8;

/** Whether an access to an MSR raises no exception. */
function succeeds(access: () => void): boolean {
  try {
    access();
    return true;
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
}

const areas = {
  entryLoad: ["entryMsrLoadAddress", "entryMsrLoadCount"],
  exitLoad: ["exitMsrLoadAddress", "exitMsrLoadCount"],
  exitStore: ["exitMsrStoreAddress", "exitMsrStoreCount"],
} as const;

/** Takes the entries of an area in turn; gives the number, from 1, of the first that cannot be, 0 if there is none. */
function each(memory: HostMemory, vmcs: Vmcs, area: keyof typeof areas, take: (at: number, index: number) => boolean) {
  const [address, countField] = areas[area];
  const count = vmcs.number(countField);
  if (count === 0) return 0;
  const start = vmcs.address64(address);
  for (let n = 0; n < count; n++) {
    const at = start + n * entryBytes;
    if (memory.read32(at + 4) !== 0 || !take(at, memory.read32(at))) return n + 1;
  }
  return 0;
}

/** Loads the MSRs of an area, as WRMSR does; gives the number, from 1, of the first entry that cannot be loaded, or 0. */
export const loadMsrs = (cpu: Cpu, memory: HostMemory, vmcs: Vmcs, area: "entryLoad" | "exitLoad"): number =>
  each(
    memory,
    vmcs,
    area,
    (at, index) => !notLoaded(index) && succeeds(() => writeMsr(cpu, index, memory.read64(at + 8))),
  );

/** Stores MSRs into the VM-exit MSR-store area, as RDMSR reads them; gives the number of the first that cannot be, or 0. */
export const storeMsrs = (cpu: Cpu, memory: HostMemory, vmcs: Vmcs): number =>
  each(
    memory,
    vmcs,
    "exitStore",
    (at, index) => !isX2Apic(index) && succeeds(() => memory.write64(at + 8, readMsr(cpu, index))),
  );

/** An entry that an MSR makes fail, as the exit that it is: of no guest that ran. `number` is as `loadMsrs` gives it. */
export function failedMsrExit(memory: HostMemory, vmcs: Vmcs, number: number) {
  const at = vmcs.address64("entryMsrLoadAddress") + (number - 1) * entryBytes;
  const [index, value] = [memory.read32(at), memory.read64(at + 8)];
  return {
    reason: "VMENTRY_FAILURE_MSR",
    qualification: BigInt(number),
    what: `MSR ${hex(index)} = ${hex(value)} could not be loaded`,
    why: {
      sentence: `Entry ${number} of the VM-entry MSR-load area cannot be loaded: WRMSR would raise #GP, or the MSR is not for areas.`,
      rule: `VM-entry MSR-load address ${encodingText("entryMsrLoadAddress")}, at ${hex(at)}: MSR ${hex(index)} = ${hex(value)}`,
      source: "SDM Vol. 3, 27.4: Loading MSRs",
    },
  };
}
