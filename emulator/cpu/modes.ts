import { physicalAddressBits } from "../mmu/physical.ts";
import { pagingMode } from "../mmu/walk.ts";
import type { Cpu } from "./cpu.ts";
import { systemType } from "./descriptor.ts";
import { generalProtection, isFault } from "./fault.ts";
import { accessBits, layout } from "./layout.ts";
import { CR0, CR4, CS, EFER, type State, TR } from "./state.ts";
import { vmxOperation } from "./virtualization.ts";

const cr0Bits = CR0.PE | CR0.MP | CR0.EM | CR0.TS | CR0.ET | CR0.NE | CR0.WP | CR0.AM | CR0.NW | CR0.CD | CR0.PG;
/** Bits of CR4 for what every processor has; 5-level paging and VMX come with `cr4Allowed`. */
const cr4Bits =
  CR4.VME |
  CR4.PVI |
  CR4.TSD |
  CR4.DE |
  CR4.PSE |
  CR4.PAE |
  CR4.PGE |
  CR4.PCE |
  CR4.OSFXSR |
  CR4.OSXMMEXCPT |
  CR4.UMIP |
  CR4.FSGSBASE |
  CR4.PCIDE |
  CR4.SMEP |
  CR4.SMAP;
/** The bits of CR4 that are not reserved on this processor. */
export const cr4Allowed = (cpu: State): number =>
  cr4Bits | (cpu.fiveLevelPaging ? CR4.LA57 : 0) | (cpu.vmx ? CR4.VMXE : 0);

/** VMX operation fixes bits of CR0 and CR4 (SDM Vol. 3, 24.8). */
function checkFixed(cpu: Cpu, register: 0 | 4, value: number): void {
  if (cpu.vmxOperation !== vmxOperation.off && !cpu.vmx!.allows(register, BigInt(value >>> 0))) generalProtection();
}

const eferBits = BigInt(EFER.SCE | EFER.LME | EFER.LMA | EFER.NXE);
/** Bits of a PDPTE that must be 0: 2:1, 8:5 and those from MAXPHYADDR up. */
const pdpteReserved = 0x1e6n | (2n ** 64n - 2n ** BigInt(physicalAddressBits));

/** What a write really leaves in CR0 or CR4: bits that a monitor owns stay as they are. */
function merged(cpu: Cpu, number: 0 | 4, value: bigint): bigint {
  const owned = cpu.monitor?.hostOwned?.(number) ?? 0n;
  const real = cpu.r64[(number === 0 ? layout.cr0 : layout.cr4) >> 3]!;
  return (value & ~owned) | (real & owned);
}

/** What MOV to CR0 makes of CR0; #GP(0) for combinations of bits that do not exist. */
function checkedCr0(cpu: Cpu, value: bigint): number {
  if (value >> 32n !== 0n) generalProtection();
  const after = (Number(merged(cpu, 0, value)) & cr0Bits) | CR0.ET;
  if ((after & CR0.PG) !== 0 && (after & CR0.PE) === 0) generalProtection();
  if ((after & CR0.NW) !== 0 && (after & CR0.CD) === 0) generalProtection();
  checkFixed(cpu, 0, after);
  return after;
}

/** MOV to CR0, LMSW, CLTS (SDM Vol. 2, MOV to control registers; Vol. 3, 9.8.5 for long mode). */
export function writeCr0(cpu: Cpu, value: bigint): void {
  const after = checkedCr0(cpu, value);
  const before = cpu.cr0;
  const pagingBegins = (after & ~before & CR0.PG) !== 0;
  const pagingEnds = (before & ~after & CR0.PG) !== 0;
  if (pagingBegins && (cpu.efer & EFER.LME) !== 0) checkLongModeEntry(cpu);
  if (pagingEnds && (cpu.bits === 64 || (cpu.cr4 & CR4.PCIDE) !== 0)) generalProtection();
  const pae = (after & CR0.PG) !== 0 && (cpu.cr4 & CR4.PAE) !== 0 && (cpu.efer & EFER.LME) === 0;
  if (pae && ((before ^ after) & (CR0.PG | CR0.CD | CR0.NW)) !== 0) loadPdptes(cpu, cpu.cr3);
  const mode = cpu.mode;
  cpu.r64[layout.cr0 >> 3] = BigInt(after >>> 0);
  if (pagingBegins && (cpu.efer & EFER.LME) !== 0) cpu.r32[layout.efer >> 2]! |= EFER.LMA;
  if (pagingEnds) cpu.r32[layout.efer >> 2]! &= ~EFER.LMA;
  if (((before ^ after) & (CR0.PG | CR0.WP)) !== 0) cpu.tlb.flush(true, "CR0");
  cpu.refresh();
  if (cpu.mode !== mode) cpu.observer.modeChanged?.(mode, cpu.mode);
}

/** Setting CR0.PG with EFER.LME: PAE must be on, and neither a 64-bit code segment nor a 16-bit TSS loaded. */
function checkLongModeEntry(cpu: Cpu): void {
  if ((cpu.cr4 & CR4.PAE) === 0) generalProtection();
  if ((cpu.access(CS) & accessBits.l) !== 0) generalProtection();
  const task = cpu.access(TR) & accessBits.type;
  if (task === systemType.tss16 || task === systemType.busyTss16) generalProtection();
}

/** Bit 63 of what MOV writes to CR3 with CR4.PCIDE: the translations of the new PCID stay. */
const keepTranslations = 1n << 63n;

/** MOV to CR3 (SDM Vol. 3, 4.10.4.1). */
export function writeCr3(cpu: Cpu, value: bigint): void {
  const tagged = (cpu.cr4 & CR4.PCIDE) !== 0;
  const base = tagged ? value & ~keepTranslations : value;
  if (cpu.longMode && base >> BigInt(physicalAddressBits) !== 0n) generalProtection();
  if (pagingMode(cpu) === "pae") loadPdptes(cpu, Number(base));
  cpu.r64[layout.cr3 >> 3] = base;
  cpu.tlb.switchTo(cpu.pcid);
  if (!tagged || (value & keepTranslations) === 0n) cpu.tlb.flush(false, "CR3", cpu.pcid);
}

/**
 * MOV to CR3 where it does no more than to name other tables, as halves of a number; false where there is more to it, with
 * nothing done: process contexts, PDPTEs to load, bits that may not be set.
 */
export function switchPageDirectory(cpu: Cpu, low: number, high: number): boolean {
  if ((cpu.cr4 & CR4.PCIDE) !== 0 || pagingMode(cpu) === "pae") return false;
  if (cpu.longMode && high >>> (physicalAddressBits - 32) !== 0) return false;
  cpu.r32[layout.cr3 >> 2] = low;
  cpu.r32[(layout.cr3 >> 2) + 1] = high;
  cpu.tlb.flush(false, "CR3", 0);
  return true;
}

/** CR3 from a TSS: nothing is done where it does not change. Outside IA-32e mode there are no PCIDs. */
export function loadPageDirectory(cpu: Cpu, value: bigint): void {
  if (cpu.r64[layout.cr3 >> 3] !== value) writeCr3(cpu, value);
}

/** What MOV to CR4 makes of CR4; #GP(0) where that cannot be. */
function checkedCr4(cpu: Cpu, value: bigint): number {
  const owned = cpu.monitor?.hostOwned?.(4) ?? 0n;
  if ((value & ~owned & ~BigInt(cr4Allowed(cpu))) !== 0n) generalProtection();
  const after = Number(merged(cpu, 4, value));
  checkFixed(cpu, 4, after);
  const changed = cpu.cr4 ^ after;
  if (cpu.longMode && ((after & CR4.PAE) === 0 || (changed & CR4.LA57) !== 0)) generalProtection();
  if ((changed & after & CR4.PCIDE) !== 0 && (!cpu.longMode || (cpu.cr3 & 0xfff) !== 0)) generalProtection();
  return after;
}

export function writeCr4(cpu: Cpu, value: bigint): void {
  const after = checkedCr4(cpu, value);
  const before = cpu.cr4;
  const changed = before ^ after;
  const pae = cpu.paging && !cpu.longMode && (after & CR4.PAE) !== 0;
  if (pae && (changed & (CR4.PAE | CR4.PSE | CR4.PGE | CR4.SMEP)) !== 0) loadPdptes(cpu, cpu.cr3);
  cpu.r64[layout.cr4 >> 3] = BigInt(after >>> 0);
  const stale = changed & (CR4.PAE | CR4.PSE | CR4.PGE | CR4.SMEP | CR4.SMAP);
  if (stale !== 0 || (changed & before & CR4.PCIDE) !== 0) cpu.tlb.flush(true, "CR4");
  cpu.tlb.switchTo(cpu.pcid);
  if ((changed & CR4.LA57) !== 0) cpu.refresh();
  if ((changed & CR4.DE) !== 0) cpu.refreshBreakpoints();
  if ((changed & CR4.OSFXSR) !== 0) cpu.refresh();
}

/** Loads the four PDPTE registers of PAE paging from the table CR3 points to; #GP(0) if a present one has reserved bits. */
function loadPdptes(cpu: Cpu, cr3: number): void {
  if (!tryLoadPdptes(cpu, cr3)) generalProtection();
}

/** As `loadPdptes`; false, and nothing is loaded, where a present one has reserved bits. */
export function tryLoadPdptes(cpu: Cpu, cr3: number): boolean {
  const table = (cr3 & 0xffff_ffe0) >>> 0;
  const entries = [0, 1, 2, 3].map((index) => readPdpte(cpu, table + 8 * index));
  if (entries.some((entry) => (entry & 1n) !== 0n && (entry & pdpteReserved) !== 0n)) return false;
  for (const [index, entry] of entries.entries()) cpu.r64[(layout.pdptes >> 3) + index] = entry;
  return true;
}

function readPdpte(cpu: Cpu, address: number): bigint {
  const host = cpu.monitor
    ? cpu.monitor.translate(address, "read", { linear: undefined, forTable: true })
    : cpu.nested.bare(address);
  if (host === undefined) throw new RangeError("nested translation was refused without being a probe");
  const low = cpu.physical.read(host, 4);
  return (BigInt(cpu.physical.read(host + 4, 4)) << 32n) | BigInt(low);
}

/** WRMSR to IA32_EFER. LMA is read-only and keeps its value. */
export function writeEfer(cpu: Cpu, value: bigint): void {
  if ((value & ~eferBits) !== 0n) generalProtection();
  const before = cpu.efer;
  const after = (Number(value) & ~EFER.LMA) | (before & EFER.LMA);
  if (((before ^ after) & EFER.LME) !== 0 && cpu.paging) generalProtection();
  cpu.r64[layout.efer >> 3] = BigInt(after >>> 0);
  if (((before ^ after) & EFER.NXE) !== 0) cpu.tlb.flush(true, "EFER");
}

/** LMSW: PE can be set but not cleared; MP, EM and TS follow. */
export function loadMachineStatus(cpu: Cpu, value: number): void {
  const keepsPe = cpu.cr0 & CR0.PE;
  writeCr0(cpu, BigInt(((cpu.cr0 & ~0xf) | (value & 0xf) | keepsPe) >>> 0));
}

export function clearTaskSwitched(cpu: Cpu): void {
  writeCr0(cpu, BigInt((cpu.cr0 & ~CR0.TS) >>> 0));
}

/** Whether MOV to a control register finds nothing wrong with the value before it accesses memory. */
export function acceptsControl(cpu: Cpu, register: number, value: bigint): boolean {
  try {
    if (register === 0) checkedCr0(cpu, value);
    else if (register === 4) checkedCr4(cpu, value);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return false;
  }
  if (register === 8) return value >> 4n === 0n;
  return register !== 3 || !cpu.longMode || (value & ~keepTranslations) >> BigInt(physicalAddressBits) === 0n;
}
