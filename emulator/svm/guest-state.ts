import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { nmiBlocked } from "../cpu/exceptions.ts";
import { shadow } from "../cpu/interrupts.ts";
import { accessBits, layout, segmentBytes, segmentLayout } from "../cpu/layout.ts";
import { CS, DS, ES, FS, GS, LDTR, SS, TR } from "../cpu/state.ts";
import { virtualInterrupt } from "./virtual-interrupt.ts";
import { type Vmcb, wordOf } from "./vmcb.ts";
import type { CleanGroup, VmcbField } from "./vmcb-fields.ts";

const VM = flagMask("VM");
/** EFER.SVME: 1 while a guest runs. The state block leaves it away, as the guest's own value is 0. */
const svmeBit = 0x1000;
const svme = BigInt(svmeBit);
const anyShadow = shadow.sti | shadow.movSs;
const rsp = 4;
const rax = 0;

/** Fields of 64 bits that are words of the processor's state block as they stand, by the clean bit that stands for them. */
const plain = {
  controlRegisters: [
    ["cr0", layout.cr0],
    ["cr3", layout.cr3],
    ["cr4", layout.cr4],
  ],
  debugRegisters: [
    ["dr6", layout.debug + 6 * 8],
    ["dr7", layout.debug + 7 * 8],
  ],
  cr2: [["cr2", layout.cr2]],
} as const satisfies Partial<Record<CleanGroup, readonly (readonly [VmcbField, number])[]>>;

interface SegmentFields {
  readonly number: number;
  readonly selector: VmcbField;
  readonly attributes: VmcbField;
  readonly limit: VmcbField;
  readonly base: VmcbField;
}
const segment = <N extends "es" | "cs" | "ss" | "ds" | "fs" | "gs" | "ldtr" | "tr">(
  number: number,
  name: N,
): SegmentFields => ({
  number,
  selector: `${name}Selector`,
  attributes: `${name}Attributes`,
  limit: `${name}Limit`,
  base: `${name}Base`,
});

/** Segments that VMRUN and #VMEXIT move, and those that only VMLOAD and VMSAVE do. */
const switched = [segment(ES, "es"), segment(CS, "cs"), segment(SS, "ss"), segment(DS, "ds")];
const hidden = [segment(FS, "fs"), segment(GS, "gs"), segment(LDTR, "ldtr"), segment(TR, "tr")];

const hiddenRegisters: readonly (readonly [VmcbField, number])[] = [
  ["kernelGsBase", layout.kernelGsBase],
  ["star", layout.star],
  ["lstar", layout.lstar],
  ["cstar", layout.cstar],
  ["sfmask", layout.fmask],
  ["sysenterCs", layout.sysenterCs],
  ["sysenterEsp", layout.sysenterEsp],
  ["sysenterEip", layout.sysenterEip],
];

/** Attributes as the VMCB has them: descriptor bits 47:40 and, in bits 11:8, 55:52. A null segment has P = 0. */
export const attributesOf = (access: number): number => {
  const present = (access & accessBits.unusable) === 0 ? access : access & ~accessBits.p;
  return (present & 0xff) | ((present >> 4) & 0xf00);
};
export const accessOf = (attributes: number): number =>
  (attributes & 0xff) | ((attributes & 0xf00) << 4) | ((attributes & accessBits.p) === 0 ? accessBits.unusable : 0);

function saveSegments(cpu: Cpu, vmcb: Vmcb, list: readonly SegmentFields[]): void {
  for (const { number, selector, attributes, limit, base } of list) {
    const at = layout.segments + number * segmentBytes;
    vmcb.set(selector, cpu.selector(number));
    vmcb.set(attributes, attributesOf(cpu.access(number)));
    vmcb.set(limit, cpu.limit(number));
    vmcb.set(base, cpu.r64[(at + segmentLayout.base) >> 3]!);
  }
}

function loadSegments(cpu: Cpu, vmcb: Vmcb, list: readonly SegmentFields[]): void {
  for (const { number, selector, attributes, limit, base } of list) {
    const at = (layout.segments + number * segmentBytes) >> 2;
    cpu.u32[at + (segmentLayout.selector >> 2)] = vmcb.number(selector);
    cpu.u32[at + (segmentLayout.access >> 2)] = accessOf(vmcb.number(attributes));
    cpu.u32[at + (segmentLayout.limit >> 2)] = vmcb.number(limit);
    cpu.r64[(at >> 1) + (segmentLayout.base >> 3)] = canonical(vmcb.get(base));
  }
}

/** VMRUN sign-extends bases from the highest address bit (APM Vol. 2, 15.5.1). */
const canonical = (base: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(48, base));

/** Words that #VMEXIT copies from the state block as they stand: place in the VMCB and, at the same index, in the block. */
const copied = [
  ...Object.values(plain).flat(),
  ["efer", layout.efer] as const,
  ["gdtrBase", layout.gdtrBase] as const,
  ["idtrBase", layout.idtrBase] as const,
  ["rip", layout.rip] as const,
  ["rsp", layout.registers + 8 * rsp] as const,
  ["rax", layout.registers + 8 * rax] as const,
  ...switched.map(({ number, base }) => [base, layout.segments + number * segmentBytes + segmentLayout.base] as const),
].flatMap(([field, place]) => [0, 1].map((n) => [wordOf(field) + n, (place >> 2) + n] as const));
const limits = [
  ["gdtrLimit", layout.gdtrLimit] as const,
  ["idtrLimit", layout.idtrLimit] as const,
  ...switched.map(
    ({ number, limit }) => [limit, layout.segments + number * segmentBytes + segmentLayout.limit] as const,
  ),
].map(([field, place]) => [wordOf(field), place >> 2] as const);
const savedTo = Uint16Array.from([...copied, ...limits], ([at]) => at);
const savedFrom = Uint16Array.from([...copied, ...limits], ([, from]) => from);

/** Selector and attributes are the two halves of a word. */
const segmentWords = switched.map(({ number, selector }) => ({ number, at: wordOf(selector) }));
const at = {
  efer: wordOf("efer"),
  rflags: wordOf("rflags"),
  shadow: wordOf("interruptShadow"),
} as const;

/** What #VMEXIT writes into the state save area (APM Vol. 2, 15.6): the subset of the guest's state that VMRUN loads. */
export function saveGuest(cpu: Cpu, vmcb: Vmcb): void {
  const { words } = vmcb;
  const { u32 } = cpu;
  for (let n = 0; n < savedTo.length; n++) words[savedTo[n]!] = u32[savedFrom[n]!]!;
  for (const { number, at: word } of segmentWords)
    words[word] = cpu.selector(number) | (attributesOf(cpu.access(number)) << 16);
  words[at.efer]! |= svmeBit;
  words[at.rflags] = cpu.flags;
  words[at.shadow] = (cpu.interruptibility & anyShadow) !== 0 ? 1 : 0;
  vmcb.set("cpl", cpu.cpl);
  if (vmcb.bit("nestedControl", 0)) vmcb.set("guestPat", cpu.r64[layout.pat >> 3]!);
  virtualInterrupt.setTpr(vmcb, u32[layout.cr8 >> 2]! & 0xf);
  if (virtualInterrupt.nmiEnabled(vmcb)) virtualInterrupt.setNmiMask(vmcb, (cpu.interruptibility & nmiBlocked) !== 0);
}

/** Writes CR0, CR3, CR4 and EFER into the VMCB. True if one of them was other than it is. */
export function saveControlRegisters(cpu: Cpu, vmcb: Vmcb): boolean {
  const now: readonly (readonly [VmcbField, bigint])[] = [
    ...plain.controlRegisters.map(([field, place]) => [field, cpu.r64[place >> 3]!] as const),
    ["efer", cpu.r64[layout.efer >> 3]! | svme],
  ];
  const changed = now.some(([field, value]) => vmcb.get(field) !== value);
  if (changed) for (const [field, value] of now) vmcb.set(field, value);
  return changed;
}

const allClean = 0xffff_ffff;
const loaded = [
  ["rip", layout.rip] as const,
  ["rsp", layout.registers + 8 * rsp] as const,
  ["rax", layout.registers + 8 * rax] as const,
].flatMap(([field, place]) => [0, 1].map((n) => [wordOf(field) + n, (place >> 2) + n] as const));
const loadedFrom = Uint16Array.from(loaded, ([from]) => from);
const loadedTo = Uint16Array.from(loaded, ([, to]) => to);

/** What VMRUN loads of the guest (APM Vol. 2, 15.5.1): all but what clean bits say is still in the processor (15.15). */
export function loadGuest(cpu: Cpu, vmcb: Vmcb): void {
  if (vmcb.number("clean") !== allClean) loadStale(cpu, vmcb);
  const { u32 } = cpu;
  for (let n = 0; n < loadedFrom.length; n++) u32[loadedTo[n]!] = vmcb.words[loadedFrom[n]!]!;
  cpu.activity = 0;
  loadShadow(cpu, vmcb);
  cpu.flags = vmcb.words[at.rflags]!;
  const stale = !vmcb.isClean("segments") || !vmcb.isClean("controlRegisters");
  if (stale) cpu.setCpl(loadedCpl(cpu, vmcb));
  if (stale || !vmcb.isClean("debugRegisters")) cpu.refresh();
}

/** What is in groups whose clean bit is 0. */
function loadStale(cpu: Cpu, vmcb: Vmcb): void {
  const { r64, u32 } = cpu;
  const stale = (group: CleanGroup): boolean => !vmcb.isClean(group);
  for (const [group, fields] of Object.entries(plain))
    if (stale(group as CleanGroup)) for (const [field, place] of fields) r64[place >> 3] = vmcb.get(field);
  if (stale("controlRegisters")) r64[layout.efer >> 3] = vmcb.get("efer") & ~svme;
  if (stale("descriptorTables")) {
    r64[layout.gdtrBase >> 3] = canonical(vmcb.get("gdtrBase"));
    u32[layout.gdtrLimit >> 2] = vmcb.number("gdtrLimit");
    r64[layout.idtrBase >> 3] = canonical(vmcb.get("idtrBase"));
    u32[layout.idtrLimit >> 2] = vmcb.number("idtrLimit");
  }
  if (stale("nestedPaging") && vmcb.bit("nestedControl", 0)) r64[layout.pat >> 3] = vmcb.get("guestPat");
  if (stale("intercepts")) r64[layout.tscOffset >> 3] = vmcb.get("tscOffset");
  if (stale("virtualInterrupt")) {
    r64[layout.cr8 >> 3] = BigInt(virtualInterrupt.tpr(vmcb));
    loadNmiMask(cpu, vmcb);
  }
  if (stale("segments")) loadSegments(cpu, vmcb, switched);
  if (stale("controlRegisters")) cpu.tlb.switchTo(cpu.pcid);
}

/** The privilege level is forced in real and virtual-8086 mode. */
const loadedCpl = (cpu: Cpu, vmcb: Vmcb): number =>
  cpu.protectedMode ? ((cpu.eflags & VM) !== 0 ? 3 : vmcb.number("cpl")) : 0;

/** The VMCB has one bit for STI and MOV SS; our processor still knows which it was if the shadow is left as it was. */
function loadShadow(cpu: Cpu, vmcb: Vmcb): void {
  const held = cpu.interruptibility & anyShadow;
  if (!vmcb.bit("interruptShadow", 0)) cpu.interruptibility &= ~anyShadow;
  else if (held === 0) cpu.interruptibility |= shadow.sti;
}

function loadNmiMask(cpu: Cpu, vmcb: Vmcb): void {
  if (!virtualInterrupt.nmiEnabled(vmcb)) return;
  if (virtualInterrupt.nmiMask(vmcb)) cpu.interruptibility |= nmiBlocked;
  else cpu.interruptibility &= ~nmiBlocked;
}

/** VMSAVE: what #VMEXIT leaves in the processor (APM Vol. 2, 15.5.2). */
export function saveHidden(cpu: Cpu, vmcb: Vmcb): void {
  saveSegments(cpu, vmcb, hidden);
  for (const [field, place] of hiddenRegisters) vmcb.set(field, cpu.r64[place >> 3]!);
}

/** VMLOAD. */
export function loadHidden(cpu: Cpu, vmcb: Vmcb): void {
  loadSegments(cpu, vmcb, hidden);
  for (const [field, place] of hiddenRegisters) cpu.r64[place >> 3] = vmcb.get(field);
  cpu.refresh();
}
