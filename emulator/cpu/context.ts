/** One processor's own state, put aside while another one is in the emulated core. */
import type { Cpu } from "./cpu.ts";
import { layout } from "./layout.ts";

/** Never changed once made, so that snapshots may share it. */
export interface ProcessorContext {
  readonly block: Uint8Array;
  readonly tlb: Int32Array;
}

/** Counters of the whole machine, which stay where they are. */
const shared = [
  ...[layout.steps, layout.unretired, layout.extraCycles, layout.emulated],
  ...[layout.countsInstructions, layout.walkReferences],
] as const;

export function putAside(cpu: Cpu): ProcessorContext {
  const block = cpu.r8.slice();
  for (const field of shared) block.fill(0, field, field + 8);
  return { block, tlb: cpu.tlb.pack() };
}

/** Makes the core this processor. */
export function takeUp(cpu: Cpu, { block, tlb }: ProcessorContext): void {
  keeping(cpu, shared, () => cpu.r8.set(block));
  cpu.next = cpu.rip;
  cpu.vectoring = undefined;
  cpu.nested.flush();
  cpu.tlb.unpack(tlb, cpu.pcid, cpu.vpid);
  cpu.vmx?.review();
  cpu.refresh();
}

/** What INIT leaves alone (SDM Vol. 3, table 10-1), and what is no register. */
const untouchedByInit = [
  ...shared,
  ...[layout.apicId, layout.star, layout.lstar, layout.cstar, layout.fmask, layout.kernelGsBase],
  ...[layout.sysenterCs, layout.sysenterEsp, layout.sysenterEip, layout.pat, layout.tscOffset, layout.tscAux],
  ...[layout.tscAdjust, layout.miscEnable, layout.mtrrDefault, layout.apicBase, layout.featureControl],
  // Eight pairs of variable ranges, and eleven fixed ones.
  ...Array.from({ length: 16 + 11 }, (_, n) => layout.mtrrVariable + 8 * n),
] as const;

/** Activity state of a processor that waits for a start-up message (the numbers of the VMCS). */
export const waitForSipi = 3;

/** INIT: as after RESET, but for what the manual exempts; then the processor waits for a start-up message. */
export function init(cpu: Cpu): void {
  const floatingPoint = cpu.r8.slice(layout.x87Registers);
  keeping(cpu, untouchedByInit, () => cpu.reset());
  cpu.r8.set(floatingPoint, layout.x87Registers);
  cpu.activity = waitForSipi;
  cpu.attention = true;
}

/** SIPI: the processor begins in real mode at `vector` << 12. Only one that waits for it listens. */
export function startUp(cpu: Cpu, vector: number): void {
  if (cpu.activity !== waitForSipi) return;
  cpu.activity = 0;
  cpu.setSegment(1, { selector: vector << 8, base: vector << 12, limit: 0xffff, access: cpu.access(1) });
  cpu.rip = 0;
  cpu.next = 0;
  cpu.refresh();
}

/** Saves 8-byte fields of the state block over what changes it. */
function keeping(cpu: Cpu, fields: readonly number[], change: () => void): void {
  const kept = fields.map((field) => cpu.r64[field >> 3]!);
  change();
  for (const [n, field] of fields.entries()) cpu.r64[field >> 3] = kept[n]!;
}
