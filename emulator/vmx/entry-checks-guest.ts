import { accessBits } from "../cpu/layout.ts";
import { activityStates, fixedCr0, fixedCr4 } from "./capabilities.ts";
import { isOn } from "./controls.ts";
import type { Entering, EntryCheck } from "./entry-checks.ts";
import { isPhysical } from "./entry-checks-controls.ts";
import { isCanonical, isPat, respects } from "./entry-checks-host.ts";
import { eventType } from "./qualification.ts";
import { type Vmcs, vmcsRevision } from "./vmcs.ts";
import type { VmcsField } from "./vmcs-fields.ts";

const cr0 = { PE: 1n, PG: 0x80000000n } as const;
const flag = { IF: 1n << 9n, VM: 1n << 17n } as const;
/** Bits of RFLAGS that must be 0: 63:22, 15, 5, 3. */
const reservedFlags = BigInt.asUintN(64, ~0x3fffffn) | 0x8028n;

const check = (
  id: string,
  field: VmcsField,
  sentence: string,
  holds: EntryCheck["holds"],
  qualification?: number,
): EntryCheck => ({ id, field, sentence, holds, ...(qualification === undefined ? {} : { qualification }) });

const has = (v: Vmcs, field: VmcsField, mask: bigint): boolean => (v.get(field) & mask) !== 0n;
const ia32e = (v: Vmcs): boolean => isOn(v, "ia32eModeGuest");
const unrestricted = (v: Vmcs): boolean => isOn(v, "unrestrictedGuest");
const virtual8086 = (v: Vmcs): boolean => has(v, "guestRflags", flag.VM);

const guestFixedCr0 = (v: Vmcs) =>
  unrestricted(v) ? { ...fixedCr0, must: fixedCr0.must & ~(cr0.PE | cr0.PG) } : fixedCr0;

const controlRegisters: readonly EntryCheck[] = [
  check(
    "cr0.fixed",
    "guestCr0",
    "Guest CR0 has the bits that VMX operation fixes (PE and PG are free with unrestricted guest).",
    (v) => respects(v.get("guestCr0"), guestFixedCr0(v)),
  ),
  check(
    "cr0.pg-pe",
    "guestCr0",
    "CR0.PG needs CR0.PE.",
    (v) => !has(v, "guestCr0", cr0.PG) || has(v, "guestCr0", cr0.PE),
  ),
  check("cr4.fixed", "guestCr4", "Guest CR4 has the bits that VMX operation fixes: VMXE is 1.", (v, { cr4 }) =>
    respects(v.get("guestCr4"), { must: fixedCr4.must, may: cr4 }),
  ),
  check("ia32e.paging", "guestCr0", "IA-32e mode guest needs CR0.PG.", (v) => !ia32e(v) || has(v, "guestCr0", cr0.PG)),
  check("ia32e.pae", "guestCr4", "IA-32e mode guest needs CR4.PAE.", (v) => !ia32e(v) || v.bit("guestCr4", 5)),
  check("cr4.pcide", "guestCr4", "CR4.PCIDE needs IA-32e mode guest.", (v) => ia32e(v) || !v.bit("guestCr4", 17)),
  check("cr3.width", "guestCr3", "Guest CR3 is within the physical-address width.", (v) =>
    isPhysical(v.get("guestCr3")),
  ),
  check(
    "dr7.high",
    "guestDr7",
    "Bits 63:32 of guest DR7 are 0.",
    (v) => !isOn(v, "loadDebugControls") || v.get("guestDr7") >> 32n === 0n,
  ),
  check(
    "debugctl.reserved",
    "guestDebugctl",
    "Guest IA32_DEBUGCTL is 0: the processor has none of its features.",
    (v) => !isOn(v, "loadDebugControls") || v.get("guestDebugctl") === 0n,
  ),
  check("sysenter-esp.canonical", "guestSysenterEsp", "Guest IA32_SYSENTER_ESP is canonical.", (v) =>
    isCanonical(v.get("guestSysenterEsp")),
  ),
  check("sysenter-eip.canonical", "guestSysenterEip", "Guest IA32_SYSENTER_EIP is canonical.", (v) =>
    isCanonical(v.get("guestSysenterEip")),
  ),
  check(
    "pat.types",
    "guestPat",
    "Each byte of guest IA32_PAT is a memory type.",
    (v) => !isOn(v, "entryLoadPat") || isPat(v.get("guestPat")),
  ),
  check(
    "efer.reserved",
    "guestEfer",
    "Reserved bits of guest IA32_EFER are 0.",
    (v) => !isOn(v, "entryLoadEfer") || (v.get("guestEfer") & ~0xd01n) === 0n,
  ),
  check(
    "efer.lma",
    "guestEfer",
    "LMA of guest IA32_EFER equals the control IA-32e mode guest.",
    (v) => !isOn(v, "entryLoadEfer") || has(v, "guestEfer", 0x400n) === ia32e(v),
  ),
  check(
    "efer.lme",
    "guestEfer",
    "With CR0.PG, LME of guest IA32_EFER equals LMA.",
    (v) =>
      !isOn(v, "entryLoadEfer") ||
      !has(v, "guestCr0", cr0.PG) ||
      has(v, "guestEfer", 0x100n) === has(v, "guestEfer", 0x400n),
  ),
];

interface SegmentFields {
  readonly name: string;
  readonly selector: VmcsField;
  readonly access: VmcsField;
  readonly limit: VmcsField;
  readonly base: VmcsField;
}
const segment = <N extends "Es" | "Cs" | "Ss" | "Ds" | "Fs" | "Gs" | "Ldtr" | "Tr">(name: N): SegmentFields => ({
  name: name.toUpperCase(),
  selector: `guest${name}Selector`,
  access: `guest${name}Access`,
  limit: `guest${name}Limit`,
  base: `guest${name}Base`,
});
/** Guest segment fields in the order of the CPU's numbers: ES, CS, SS, DS, FS, GS, LDTR, TR. */
export const guestSegments: readonly SegmentFields[] = [
  segment("Es"),
  segment("Cs"),
  segment("Ss"),
  segment("Ds"),
  segment("Fs"),
  segment("Gs"),
  segment("Ldtr"),
  segment("Tr"),
];
const [, cs, ss] = guestSegments as [SegmentFields, SegmentFields, SegmentFields];
const ldtr = guestSegments[6]!;
const tr = guestSegments[7]!;
const dataSegments = guestSegments.filter((s) => !["CS", "SS", "LDTR", "TR"].includes(s.name));

const usable = (v: Vmcs, s: SegmentFields): boolean => (v.number(s.access) & accessBits.unusable) === 0;
const type = (v: Vmcs, s: SegmentFields): number => v.number(s.access) & accessBits.type;
const dpl = (v: Vmcs, s: SegmentFields): number => (v.number(s.access) & accessBits.dpl) >> 5;
const rpl = (v: Vmcs, s: SegmentFields): number => v.number(s.selector) & 3;

/** The limit fits the granularity: with G, bits 11:0 are all 1; without, bits 31:20 are 0. */
function limitFits(v: Vmcs, s: SegmentFields): boolean {
  const limit = v.number(s.limit);
  const byPages = (v.number(s.access) & accessBits.g) !== 0;
  return byPages ? (limit & 0xfff) === 0xfff : limit <= 0xfffff;
}

const hasReserved = (v: Vmcs, s: SegmentFields): boolean => (v.number(s.access) & 0xfffe0f00) !== 0;
const reservedSentence = (s: SegmentFields): string =>
  `Reserved bits 31:17 and 11:8 of the access rights of ${s.name} are 0.`;

/** Checks of a code or data segment outside virtual-8086 mode; CS is always usable. */
function segmentChecks(s: SegmentFields): EntryCheck[] {
  const applies = (v: Vmcs): boolean => !virtual8086(v) && (s === cs || usable(v, s));
  const when = (id: string, field: VmcsField, sentence: string, holds: (v: Vmcs) => boolean): EntryCheck =>
    check(`${s.name.toLowerCase()}.${id}`, field, sentence, (v) => !applies(v) || holds(v));
  return [
    when(
      "s",
      s.access,
      `${s.name} is a code or data segment (S = 1).`,
      (v) => (v.number(s.access) & accessBits.s) !== 0,
    ),
    when("present", s.access, `${s.name} is present (P = 1).`, (v) => (v.number(s.access) & accessBits.p) !== 0),
    when("accessed", s.access, `${s.name} is marked accessed (type bit 0).`, (v) => (type(v, s) & 1) !== 0),
    when("limit", s.limit, `The limit of ${s.name} fits its granularity.`, (v) => limitFits(v, s)),
    when("reserved", s.access, reservedSentence(s), (v) => !hasReserved(v, s)),
  ];
}

/** CS, SS and data segments each have their own types. */
const segmentTypes: readonly EntryCheck[] = [
  check(
    "cs.type",
    cs.access,
    "CS is accessed code, or with unrestricted guest also read/write data (type 3).",
    (v) => virtual8086(v) || [9, 11, 13, 15].includes(type(v, cs)) || (unrestricted(v) && type(v, cs) === 3),
  ),
  check(
    "cs.dpl",
    cs.access,
    "DPL of CS equals that of SS for non-conforming code, is not above it for conforming code, and is 0 for type 3.",
    (v) => {
      if (virtual8086(v)) return true;
      if (type(v, cs) === 3) return dpl(v, cs) === 0;
      return type(v, cs) >= 13 ? dpl(v, cs) <= dpl(v, ss) : dpl(v, cs) === dpl(v, ss);
    },
  ),
  check(
    "cs.l-d",
    cs.access,
    "In IA-32e mode CS does not have both L and D/B set.",
    (v) =>
      !ia32e(v) ||
      virtual8086(v) ||
      (v.number(cs.access) & accessBits.l) === 0 ||
      (v.number(cs.access) & accessBits.db) === 0,
  ),
  check(
    "ss.type",
    ss.access,
    "SS is read/write data (type 3 or 7).",
    (v) => virtual8086(v) || !usable(v, ss) || [3, 7].includes(type(v, ss)),
  ),
  check(
    "ss.rpl",
    ss.selector,
    "RPL of SS equals that of CS (not with unrestricted guest).",
    (v) => virtual8086(v) || unrestricted(v) || rpl(v, ss) === rpl(v, cs),
  ),
  check("ss.dpl", ss.access, "DPL of SS is its RPL (not with unrestricted guest), and 0 in real mode.", (v) => {
    if (virtual8086(v)) return true;
    if (type(v, cs) === 3 || !has(v, "guestCr0", cr0.PE)) return dpl(v, ss) === 0;
    return unrestricted(v) || dpl(v, ss) === rpl(v, ss);
  }),
  ...dataSegments.map((s) =>
    check(
      `${s.name.toLowerCase()}.type`,
      s.access,
      `${s.name} is data or readable code.`,
      (v) => virtual8086(v) || !usable(v, s) || (type(v, s) & 8) === 0 || (type(v, s) & 2) !== 0,
    ),
  ),
  ...dataSegments.map((s) =>
    check(
      `${s.name.toLowerCase()}.dpl`,
      s.access,
      `DPL of ${s.name} is not below its RPL, for data and non-conforming code (not with unrestricted guest).`,
      (v) => virtual8086(v) || unrestricted(v) || !usable(v, s) || type(v, s) > 11 || dpl(v, s) >= rpl(v, s),
    ),
  ),
];

const virtual8086Checks = guestSegments
  .slice(0, 6)
  .flatMap((s) => [
    check(
      `v8086.${s.name.toLowerCase()}.base`,
      s.base,
      `In virtual-8086 mode the base of ${s.name} is 16 times its selector.`,
      (v) => !virtual8086(v) || v.get(s.base) === BigInt(v.number(s.selector)) << 4n,
    ),
    check(
      `v8086.${s.name.toLowerCase()}.limit`,
      s.limit,
      `In virtual-8086 mode the limit of ${s.name} is FFFFh.`,
      (v) => !virtual8086(v) || v.number(s.limit) === 0xffff,
    ),
    check(
      `v8086.${s.name.toLowerCase()}.access`,
      s.access,
      `In virtual-8086 mode the access rights of ${s.name} are F3h.`,
      (v) => !virtual8086(v) || v.number(s.access) === 0xf3,
    ),
  ]);

const systemSegments: readonly EntryCheck[] = [
  check("tr.usable", tr.access, "TR is usable.", (v) => usable(v, tr)),
  check(
    "tr.type",
    tr.access,
    "TR is a busy TSS (type 11, or 3 for a 16-bit TSS outside IA-32e mode).",
    (v) => type(v, tr) === 11 || (type(v, tr) === 3 && !ia32e(v)),
  ),
  check("tr.s", tr.access, "TR is a system segment (S = 0).", (v) => (v.number(tr.access) & accessBits.s) === 0),
  check("tr.present", tr.access, "TR is present.", (v) => (v.number(tr.access) & accessBits.p) !== 0),
  check("tr.ti", tr.selector, "TR refers to the GDT (TI = 0).", (v) => (v.number(tr.selector) & 4) === 0),
  check("tr.limit", tr.limit, "The limit of TR fits its granularity.", (v) => limitFits(v, tr)),
  check("tr.reserved", tr.access, reservedSentence(tr), (v) => !hasReserved(v, tr)),
  check(
    "ldtr.type",
    ldtr.access,
    "LDTR, if usable, is an LDT (type 2, S = 0).",
    (v) => !usable(v, ldtr) || (type(v, ldtr) === 2 && (v.number(ldtr.access) & accessBits.s) === 0),
  ),
  check(
    "ldtr.present",
    ldtr.access,
    "LDTR, if usable, is present.",
    (v) => !usable(v, ldtr) || (v.number(ldtr.access) & accessBits.p) !== 0,
  ),
  check(
    "ldtr.limit",
    ldtr.limit,
    "The limit of LDTR, if usable, fits its granularity.",
    (v) => !usable(v, ldtr) || limitFits(v, ldtr),
  ),
  check("ldtr.reserved", ldtr.access, reservedSentence(ldtr), (v) => !usable(v, ldtr) || !hasReserved(v, ldtr)),
  check(
    "ldtr.ti",
    ldtr.selector,
    "LDTR, if usable, refers to the GDT (TI = 0).",
    (v) => !usable(v, ldtr) || (v.number(ldtr.selector) & 4) === 0,
  ),
  ...[tr, ...guestSegments.slice(4, 6)].map((s) =>
    check(`${s.name.toLowerCase()}.base`, s.base, `The base of ${s.name} is canonical.`, (v) =>
      isCanonical(v.get(s.base)),
    ),
  ),
  check(
    "ldtr.base",
    ldtr.base,
    "The base of LDTR, if usable, is canonical.",
    (v) => !usable(v, ldtr) || isCanonical(v.get(ldtr.base)),
  ),
  ...guestSegments
    .slice(0, 4)
    .map((s) =>
      check(
        `${s.name.toLowerCase()}.base`,
        s.base,
        `Bits 63:32 of the base of ${s.name} are 0${s === cs ? "" : ", if it is usable"}.`,
        (v) => (s !== cs && !usable(v, s)) || v.get(s.base) >> 32n === 0n,
      ),
    ),
  check("gdtr.base", "guestGdtrBase", "The base of GDTR is canonical.", (v) => isCanonical(v.get("guestGdtrBase"))),
  check("idtr.base", "guestIdtrBase", "The base of IDTR is canonical.", (v) => isCanonical(v.get("guestIdtrBase"))),
  check(
    "gdtr.limit",
    "guestGdtrLimit",
    "The limit of GDTR is at most FFFFh.",
    (v) => v.number("guestGdtrLimit") <= 0xffff,
  ),
  check(
    "idtr.limit",
    "guestIdtrLimit",
    "The limit of IDTR is at most FFFFh.",
    (v) => v.number("guestIdtrLimit") <= 0xffff,
  ),
];

const is64 = (v: Vmcs): boolean => ia32e(v) && (v.number(cs.access) & accessBits.l) !== 0;
const injecting = (v: Vmcs, type: number): boolean => {
  const info = v.number("entryInterruptionInfo");
  return info >>> 31 === 1 && ((info >> 8) & 7) === type;
};
const blocking = (v: Vmcs, mask: number): boolean => (v.number("guestInterruptibility") & mask) !== 0;

const instructionPointer: readonly EntryCheck[] = [
  check(
    "rip.high",
    "guestRip",
    "Bits 63:32 of RIP are 0 outside 64-bit code.",
    (v) => is64(v) || v.high("guestRip") === 0,
  ),
  check(
    "rip.canonical",
    "guestRip",
    "Bits 63:48 of RIP are alike in 64-bit code.",
    // Bit 47 may differ: where code runs off the end of the canonical addresses.
    (v) => !is64(v) || BigInt.asIntN(64, v.get("guestRip")) >> 48n === 0n || v.get("guestRip") >> 48n === 0xffffn,
  ),
  check(
    "rflags.reserved",
    "guestRflags",
    "Reserved bits of RFLAGS are 0 and bit 1 is 1.",
    (v) => (v.get("guestRflags") & reservedFlags) === 0n && (v.get("guestRflags") & 2n) === 2n,
  ),
  check(
    "rflags.vm",
    "guestRflags",
    "RFLAGS.VM is 0 in IA-32e mode and in real mode.",
    (v) => !virtual8086(v) || (!ia32e(v) && has(v, "guestCr0", cr0.PE)),
  ),
  check(
    "rflags.if",
    "guestRflags",
    "RFLAGS.IF is 1 if an external interrupt is injected.",
    (v) => !injecting(v, eventType.externalInterrupt) || has(v, "guestRflags", flag.IF),
  ),
];

const activityChecks: readonly EntryCheck[] = [
  check(
    "activity.range",
    "guestActivity",
    "The activity state is 0 (active), 1 (HLT) or 3 (wait for SIPI); the processor does not support 2 (shutdown).",
    (v) => activityStates.includes(v.number("guestActivity")),
  ),
  check(
    "activity.hlt",
    "guestActivity",
    "In the HLT state DPL of SS is 0.",
    (v) => v.number("guestActivity") !== 1 || dpl(v, ss) === 0,
  ),
  check(
    "activity.blocking",
    "guestActivity",
    "With blocking by STI or MOV SS the activity state is active.",
    (v) => !blocking(v, 3) || v.number("guestActivity") === 0,
  ),
  check(
    "activity.inject",
    "guestActivity",
    "No event but an interrupt, NMI, MTF VM exit, #DB or #MC is injected in the HLT state, and none in wait for SIPI.",
    (v) => {
      const info = v.number("entryInterruptionInfo");
      if (info >>> 31 === 0 || v.number("guestActivity") === 0) return true;
      if (v.number("guestActivity") === 3) return false;
      const exceptions = v.number("guestActivity") === 1 ? [1, 18] : [18];
      const kind = (info >> 8) & 7;
      if (kind === eventType.hardwareException) return exceptions.includes(info & 0xff);
      return v.number("guestActivity") === 1
        ? kind === eventType.externalInterrupt || kind === eventType.nmi || kind === eventType.other
        : kind === eventType.nmi;
    },
  ),
];

const interruptibilityChecks: readonly EntryCheck[] = [
  check(
    "interruptibility.reserved",
    "guestInterruptibility",
    "Bits 31:4 of the interruptibility state are 0: the processor has no enclaves.",
    (v) => !blocking(v, ~0xf),
  ),
  check(
    "interruptibility.both",
    "guestInterruptibility",
    "Blocking by STI and by MOV SS are not both 1.",
    (v) => (v.number("guestInterruptibility") & 3) !== 3,
  ),
  check(
    "interruptibility.sti-if",
    "guestInterruptibility",
    "Blocking by STI needs RFLAGS.IF = 1.",
    (v) => !blocking(v, 1) || has(v, "guestRflags", flag.IF),
  ),
  check(
    "interruptibility.inject-interrupt",
    "guestInterruptibility",
    "An external interrupt is not injected while STI or MOV SS blocks.",
    (v) => !injecting(v, eventType.externalInterrupt) || !blocking(v, 3),
  ),
  check(
    "interruptibility.inject-nmi",
    "guestInterruptibility",
    "An NMI is not injected while MOV SS blocks.",
    (v) => !injecting(v, eventType.nmi) || !blocking(v, 2),
  ),
  check(
    "interruptibility.virtual-nmi",
    "guestInterruptibility",
    "With virtual NMIs an NMI is not injected while one is handled.",
    (v) => !isOn(v, "virtualNmis") || !injecting(v, eventType.nmi) || !blocking(v, 8),
  ),
  check("interruptibility.smi", "guestInterruptibility", "Blocking by SMI is 0 outside SMM.", (v) => !blocking(v, 4)),
];

/** Bits of the pending debug exceptions that do not exist: 63:15, 13 and 11:4, as the processor has no transactions (RTM, bit 16). */
const reservedPending = BigInt.asUintN(64, ~0x500fn);
const singleStep = 1n << 14n;
const trapFlag = 1n << 8n;

const pendingDebugChecks: readonly EntryCheck[] = [
  check(
    "pending-debug.reserved",
    "guestPendingDebug",
    "Reserved bits of the pending debug exceptions are 0.",
    (v) => !has(v, "guestPendingDebug", reservedPending),
  ),
  check(
    "pending-debug.step",
    "guestPendingDebug",
    "With blocking by STI or MOV SS, or in the HLT state, BS of the pending debug exceptions equals RFLAGS.TF.",
    (v) =>
      (!blocking(v, 3) && v.number("guestActivity") !== 1) ||
      has(v, "guestPendingDebug", singleStep) === has(v, "guestRflags", trapFlag),
  ),
];

const usesPdptes = (v: Vmcs): boolean =>
  has(v, "guestCr0", cr0.PG) && v.bit("guestCr4", 5) && !ia32e(v) && isOn(v, "ept");

/** A check of a VMCS link pointer that is one; its failure has a qualification of its own. */
const linkPointer = (
  id: string,
  sentence: string,
  holds: (pointer: bigint, v: Vmcs, by: Entering) => boolean,
): EntryCheck =>
  check(
    `link-pointer.${id}`,
    "vmcsLinkPointer",
    sentence,
    (v, by) => {
      const pointer = v.get("vmcsLinkPointer");
      return pointer === noVmcs || holds(pointer, v, by);
    },
    4,
  );
const noVmcs = 0xffff_ffff_ffff_ffffn;

const rest: readonly EntryCheck[] = [
  linkPointer(
    "address",
    "The VMCS link pointer is all ones, or aligned to 4096 bytes and within the physical-address width.",
    (pointer) => (pointer & 0xfffn) === 0n && isPhysical(pointer),
  ),
  // Where nobody can look into memory there is no other VMCS.
  linkPointer(
    "revision",
    "What a VMCS link pointer refers to begins with the revision identifier, and bit 31 is the control VMCS shadowing: 0.",
    (pointer, _, { read32 }) => read32 !== undefined && read32(Number(pointer)) >>> 0 === vmcsRevision,
  ),
  linkPointer(
    "current",
    "The VMCS link pointer does not refer to the current VMCS.",
    (pointer, v) => pointer !== BigInt(v.address),
  ),
  ...(["guestPdpte0", "guestPdpte1", "guestPdpte2", "guestPdpte3"] as const).map((field) =>
    check(
      `${field}.reserved`,
      field,
      "Reserved bits of a present PDPTE are 0.",
      (v) => {
        const value = v.get(field);
        return !usesPdptes(v) || (value & 1n) === 0n || ((value & 0x1e6n) === 0n && isPhysical(value));
      },
      2,
    ),
  ),
];

/** Checks of the guest state (SDM Vol. 3, 27.3.1); the first that fails gives exit reason 33 with bit 31 set. */
export const guestChecks: readonly EntryCheck[] = [
  ...controlRegisters,
  ...virtual8086Checks,
  ...segmentTypes,
  ...guestSegments.slice(0, 6).flatMap(segmentChecks),
  ...systemSegments,
  ...instructionPointer,
  ...activityChecks,
  ...interruptibilityChecks,
  ...pendingDebugChecks,
  ...rest,
];
