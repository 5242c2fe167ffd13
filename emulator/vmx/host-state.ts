import type { Cpu } from "../cpu/cpu.ts";
import { nullSegment } from "../cpu/descriptor.ts";
import { accessBits, layout } from "../cpu/layout.ts";
import { CR4, CS, DS, EFER, ES, FS, GS, LDTR, type Segment, SS, signedNumber, TR } from "../cpu/state.ts";
import { isOn } from "./controls.ts";
import type { Vmcs } from "./vmcs.ts";

/** Bits of CR0 that neither entry nor exit changes: ET, 15:6, 17, 28:19, NW and CD (SDM Vol. 3, 27.3.2.1 and 28.5.1). */
export const keptCr0 = 0x7ffa_ffd0n;

const flatCode = 0x8b | accessBits.s | accessBits.g;
const flatData = 0x83 | accessBits.s | accessBits.db | accessBits.g;
const whole = 0xffff_ffff;
const busyTss = 0x8b;

/** A data segment as an exit makes it: flat, or unusable where the selector is 0. */
const dataSegment = (selector: number, base = 0): Segment =>
  selector === 0 ? { ...nullSegment(0), base } : { selector, access: flatData, limit: whole, base };

function loadControls(cpu: Cpu, vmcs: Vmcs, wide: boolean): void {
  const { r64 } = cpu;
  r64[layout.cr0 >> 3] = (vmcs.get("hostCr0") & ~keptCr0) | (r64[layout.cr0 >> 3]! & keptCr0);
  r64[layout.cr3 >> 3] = vmcs.get("hostCr3");
  const cr4 = vmcs.get("hostCr4");
  r64[layout.cr4 >> 3] = wide ? cr4 | BigInt(CR4.PAE) : cr4 & ~BigInt(CR4.PCIDE);
  r64[(layout.debug >> 3) + 7] = 0x400n;
  r64[layout.sysenterCs >> 3] = vmcs.get("hostSysenterCs");
  r64[layout.sysenterEsp >> 3] = vmcs.get("hostSysenterEsp");
  r64[layout.sysenterEip >> 3] = vmcs.get("hostSysenterEip");
  const mode = BigInt(EFER.LME | EFER.LMA);
  if (isOn(vmcs, "exitLoadEfer")) r64[layout.efer >> 3] = vmcs.get("hostEfer");
  else r64[layout.efer >> 3] = (r64[layout.efer >> 3]! & ~mode) | (wide ? mode : 0n);
  if (isOn(vmcs, "exitLoadPat")) r64[layout.pat >> 3] = vmcs.get("hostPat");
}

function loadSegments(cpu: Cpu, vmcs: Vmcs, wide: boolean): void {
  const base = (field: "hostFsBase" | "hostGsBase" | "hostTrBase") => signedNumber(vmcs.get(field));
  const code = flatCode | (wide ? accessBits.l : accessBits.db);
  cpu.writeSegment(CS, { selector: vmcs.number("hostCsSelector"), access: code, limit: whole, base: 0 });
  cpu.writeSegment(SS, dataSegment(vmcs.number("hostSsSelector")));
  cpu.writeSegment(DS, dataSegment(vmcs.number("hostDsSelector")));
  cpu.writeSegment(ES, dataSegment(vmcs.number("hostEsSelector")));
  cpu.writeSegment(FS, dataSegment(vmcs.number("hostFsSelector"), base("hostFsBase")));
  cpu.writeSegment(GS, dataSegment(vmcs.number("hostGsSelector"), base("hostGsBase")));
  const task = { selector: vmcs.number("hostTrSelector"), access: busyTss, limit: 0x67, base: base("hostTrBase") };
  cpu.writeSegment(TR, task);
  cpu.writeSegment(LDTR, nullSegment(0));
  cpu.setGdtr(signedNumber(vmcs.get("hostGdtrBase")), 0xffff);
  cpu.setIdtr(signedNumber(vmcs.get("hostIdtrBase")), 0xffff);
}

/**
 * Loads the host's state as an exit does (SDM Vol. 3, 28.5), but for PDPTEs and MSR areas. `Cpu.refresh` must follow. With
 * `nmi`, NMIs are blocked, for it was one that left the guest; otherwise if they were, and blocking was not the guest's.
 */
export function loadHost(cpu: Cpu, vmcs: Vmcs, nmi: boolean): void {
  const wide = isOn(vmcs, "hostAddressSpaceSize");
  loadControls(cpu, vmcs, wide);
  loadSegments(cpu, vmcs, wide);
  cpu.r64[4] = vmcs.get("hostRsp");
  cpu.r64[layout.rip >> 3] = vmcs.get("hostRip");
  cpu.activity = 0;
  cpu.r32[layout.pendingDebug >> 2] = 0;
  cpu.r32[layout.monitorArmed >> 2] = 0;
  const blockedByNmi = 8;
  const blocked = nmi || (!isOn(vmcs, "virtualNmis") && (cpu.interruptibility & blockedByNmi) !== 0);
  cpu.interruptibility = blocked ? blockedByNmi : 0;
  cpu.flags = 2;
  cpu.setCpl(0);
}
