import type { Vmcb } from "./vmcb.ts";
import { placeText, type VmcbField } from "./vmcb-fields.ts";

/** One intercept bit of the VMCB. */
export interface Intercept {
  readonly word: VmcbField;
  readonly bit: number;
  /** EXITCODE of the #VMEXIT. */
  readonly code: number;
  /** What is intercepted, as the subject of a sentence. */
  readonly what: string;
  /** What is worth knowing of it beside. */
  readonly note?: string;
}

type InterceptWord = "vector3" | "vector4" | "vector5";
type Rows = Record<string, readonly [InterceptWord, number, number, string, string?]>;

const notInVtx = "VT-x has no control for it.";
const unconditional = "VT-x leaves the guest here whatever its controls say; AMD-V only if asked to.";

/** Intercept vectors 3 to 5 (APM Vol. 2, table B-1, and 15.9 to 15.14). */
const rows = {
  INTR: ["vector3", 0, 0x60, "An interrupt of the machine"],
  NMI: ["vector3", 1, 0x61, "An NMI of the machine"],
  SMI: ["vector3", 2, 0x62, "An SMI"],
  INIT: ["vector3", 3, 0x63, "INIT"],
  VINTR: ["vector3", 4, 0x64, "A virtual interrupt that the guest can take", "VT-x: interrupt-window exiting."],
  CR0_SEL_WRITE: ["vector3", 5, 0x65, "A write to CR0 that changes other bits than TS and MP"],
  IDTR_READ: ["vector3", 6, 0x66, "SIDT"],
  GDTR_READ: ["vector3", 7, 0x67, "SGDT"],
  LDTR_READ: ["vector3", 8, 0x68, "SLDT"],
  TR_READ: ["vector3", 9, 0x69, "STR"],
  IDTR_WRITE: ["vector3", 10, 0x6a, "LIDT"],
  GDTR_WRITE: ["vector3", 11, 0x6b, "LGDT"],
  LDTR_WRITE: ["vector3", 12, 0x6c, "LLDT"],
  TR_WRITE: ["vector3", 13, 0x6d, "LTR"],
  RDTSC: ["vector3", 14, 0x6e, "RDTSC"],
  RDPMC: ["vector3", 15, 0x6f, "RDPMC"],
  PUSHF: ["vector3", 16, 0x70, "PUSHF", notInVtx],
  POPF: ["vector3", 17, 0x71, "POPF", notInVtx],
  CPUID: ["vector3", 18, 0x72, "CPUID", unconditional],
  RSM: ["vector3", 19, 0x73, "RSM"],
  IRET: ["vector3", 20, 0x74, "IRET", notInVtx],
  SWINT: ["vector3", 21, 0x75, "INT n", notInVtx],
  INVD: ["vector3", 22, 0x76, "INVD", unconditional],
  PAUSE: ["vector3", 23, 0x77, "PAUSE"],
  HLT: ["vector3", 24, 0x78, "HLT"],
  INVLPG: ["vector3", 25, 0x79, "INVLPG"],
  INVLPGA: ["vector3", 26, 0x7a, "INVLPGA"],
  IOIO: ["vector3", 27, 0x7b, "An I/O instruction"],
  MSR: ["vector3", 28, 0x7c, "RDMSR or WRMSR"],
  TASK_SWITCH: ["vector3", 29, 0x7d, "A hardware task switch", unconditional],
  FERR_FREEZE: ["vector3", 30, 0x7e, "Freezing for FERR"],
  SHUTDOWN: ["vector3", 31, 0x7f, "A shutdown (triple fault)", unconditional],
  VMRUN: ["vector4", 0, 0x80, "VMRUN", "VMRUN itself needs this intercept to be set."],
  VMMCALL: ["vector4", 1, 0x81, "VMMCALL", "Not intercepted it raises #UD."],
  VMLOAD: ["vector4", 2, 0x82, "VMLOAD"],
  VMSAVE: ["vector4", 3, 0x83, "VMSAVE"],
  STGI: ["vector4", 4, 0x84, "STGI"],
  CLGI: ["vector4", 5, 0x85, "CLGI"],
  SKINIT: ["vector4", 6, 0x86, "SKINIT"],
  RDTSCP: ["vector4", 7, 0x87, "RDTSCP"],
  ICEBP: ["vector4", 8, 0x88, "INT1 (ICEBP)", "The intercept of #DB is not for it."],
  WBINVD: ["vector4", 9, 0x89, "WBINVD"],
  MONITOR: ["vector4", 10, 0x8a, "MONITOR"],
  MWAIT: ["vector4", 11, 0x8b, "MWAIT"],
  MWAIT_CONDITIONAL: ["vector4", 12, 0x8c, "MWAIT with the monitor armed"],
  XSETBV: ["vector4", 13, 0x8d, "XSETBV", unconditional],
  INVPCID: ["vector5", 2, 0xa2, "INVPCID"],
} as const satisfies Rows;

export type InterceptName = keyof typeof rows;

export const intercepts = Object.fromEntries(
  Object.entries(rows).map(([name, [word, bit, code, what, note]]: [string, Rows[string]]) => [
    name,
    { word, bit, code, what, ...(note === undefined ? {} : { note }) },
  ]),
) as Record<InterceptName, Intercept>;

export const isIntercepted = (vmcb: Vmcb, name: InterceptName): boolean =>
  vmcb.bit(intercepts[name].word, intercepts[name].bit);

/** All of these bits of one intercept word. */
export const interceptWord = (...names: readonly InterceptName[]): number =>
  names.reduce((word, name) => (word | (1 << intercepts[name].bit)) >>> 0, 0);

/** "intercept vector 3 (VMCB 00Ch), bit 24: HLT = 1" */
export function interceptRule(name: InterceptName, isSet: boolean): string {
  const { word, bit } = intercepts[name];
  const number = word === "vector3" ? 3 : word === "vector4" ? 4 : 5;
  return `intercept vector ${number} (${placeText(word)}), bit ${bit}: ${name} = ${isSet ? 1 : 0}`;
}
