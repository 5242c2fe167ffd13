import { flagMask } from "../../isa/flags.ts";
import type { Decoded } from "../../isa/operands.ts";
import type { Cpu } from "./cpu.ts";
import { hardwareFault, vector } from "./fault.ts";
import { flagsImage } from "./flags.ts";
import { layout } from "./layout.ts";
import { setStackPointer } from "./stack.ts";
import { CS, EFER, GS, SS, signedNumber, unsigned64 } from "./state.ts";

const RCX = 1;
const RDX = 2;
const R11 = 11;

/** Flags that SYSRET takes from R11: all but RF and VM. */
const returnedFlags = 0x3c_7fd7;

const clearedBySysenter = flagMask("VM") | flagMask("IF") | flagMask("RF");
const RF = flagMask("RF");

/** Present, 4 KiB granularity, accessed code (read) or data (write). */
const flat = { code: 0x809b, data: 0x8093, db: 0x4000, l: 0x2000 } as const;

/** Flat code and stack segments of a privilege level, as these instructions load them without reading descriptors. */
function loadFlat(cpu: Cpu, codeSelector: number, stackSelector: number, cpl: number, wide: boolean): void {
  const whole = { limit: 0xffff_ffff, base: 0 };
  const dpl = cpl << 5;
  const code = flat.code | dpl | (wide ? flat.l : flat.db);
  cpu.setSegment(CS, { ...whole, selector: (codeSelector & 0xfffc) | cpl, access: code });
  cpu.setSegment(SS, { ...whole, selector: (stackSelector & 0xfffc) | cpl, access: flat.data | flat.db | dpl });
  cpu.setCpl(cpl);
}

function requireSyscall(cpu: Cpu): void {
  if (cpu.bits !== 64 || (cpu.efer & EFER.SCE) === 0) throw hardwareFault(vector.UD);
}

/** SYSCALL (SDM Vol. 2). */
export function systemCall(cpu: Cpu): void {
  requireSyscall(cpu);
  cpu.monitor?.onSystemCall?.(cpu.next);
  const star = Number((cpu.r64[layout.star >> 3]! >> 32n) & 0xffffn);
  cpu.r64[RCX] = unsigned64(cpu.next);
  cpu.r64[R11] = BigInt(flagsImage(cpu));
  const mask = cpu.r32[layout.fmask >> 2]! | RF;
  loadFlat(cpu, star, star + 8, 0, true);
  cpu.flags = cpu.flags & ~mask;
  cpu.next = signedNumber(cpu.r64[layout.lstar >> 3]!);
}

/** SYSRET. The row has checked CPL 0. */
export function systemReturn(cpu: Cpu, decoded: Decoded): void {
  requireSyscall(cpu);
  const wide = decoded.operandSize === 64;
  const target = wide ? signedNumber(cpu.r64[RCX]!) : cpu.u32[RCX * 2]!;
  if (!cpu.isCanonical(target)) throw hardwareFault(vector.GP, 0);
  const star = Number((cpu.r64[layout.star >> 3]! >> 48n) & 0xffffn);
  const flags = cpu.r32[R11 * 2]! & returnedFlags;
  loadFlat(cpu, star + (wide ? 16 : 0), star + 8, 3, wide);
  cpu.flags = flags;
  cpu.next = target;
}

function sysenterSelector(cpu: Cpu): number {
  const selector = cpu.u32[layout.sysenterCs >> 2]! & 0xffff;
  if (!cpu.protectedMode || (selector & 0xfffc) === 0) throw hardwareFault(vector.GP, 0);
  return selector;
}

/** SYSENTER. */
export function fastEnter(cpu: Cpu): void {
  const selector = sysenterSelector(cpu);
  const wide = cpu.longMode;
  cpu.flags = cpu.flags & ~clearedBySysenter;
  loadFlat(cpu, selector, selector + 8, 0, wide);
  const pointer = cpu.r64[layout.sysenterEsp >> 3]!;
  const target = cpu.r64[layout.sysenterEip >> 3]!;
  setStackPointer(cpu, wide ? 64 : 32, wide ? signedNumber(pointer) : Number(pointer & 0xffff_ffffn));
  cpu.next = wide ? signedNumber(target) : Number(target & 0xffff_ffffn);
}

/** SYSEXIT. The row has checked CPL 0. */
export function fastExit(cpu: Cpu, decoded: Decoded): void {
  const selector = sysenterSelector(cpu);
  const wide = decoded.operandSize === 64;
  const target = wide ? signedNumber(cpu.r64[RDX]!) : cpu.u32[RDX * 2]!;
  const pointer = wide ? signedNumber(cpu.r64[RCX]!) : cpu.u32[RCX * 2]!;
  if (!cpu.isCanonical(target) || !cpu.isCanonical(pointer)) throw hardwareFault(vector.GP, 0);
  loadFlat(cpu, selector + (wide ? 32 : 16), selector + (wide ? 40 : 24), 3, wide);
  setStackPointer(cpu, wide ? 64 : 32, pointer);
  cpu.next = target;
}

/** SWAPGS. The row has checked CPL 0 and 64-bit mode. */
export function swapGs(cpu: Cpu): void {
  const gs = cpu.segment(GS);
  const kernel = cpu.r64[layout.kernelGsBase >> 3]!;
  cpu.r64[layout.kernelGsBase >> 3] = unsigned64(gs.base);
  cpu.setSegment(GS, { ...gs, base: signedNumber(kernel) });
}
