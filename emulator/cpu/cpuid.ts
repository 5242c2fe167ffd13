import type { Feature } from "../../isa/feature.ts";
import { physicalAddressBits } from "../mmu/physical.ts";
import { hasLocalApic } from "./apic-base.ts";
import { layout } from "./layout.ts";
import type { State } from "./state.ts";

export interface CpuidResult {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
}

const bits = (...numbers: number[]): number => numbers.reduce((mask, n) => mask | (1 << n), 0) >>> 0;

const ascii = (text: string): number[] => {
  const words: number[] = [];
  for (let at = 0; at < text.length; at += 4)
    words.push([0, 1, 2, 3].reduce((word, n) => word | ((text.charCodeAt(at + n) || 0) << (8 * n)), 0) >>> 0);
  return words;
};

/** Family 6, model 45, stepping 7: a 64-bit processor of the time of VT-x with EPT. */
const signature = 0x0002_06d7;
/** Bytes of a cache line. */
export const lineBytes = 64;

/**
 * Feature bits say exactly what is implemented: a clear bit may be relied on to mean an instruction raises #UD, or a
 * register bit is reserved. There is no AVX, no XSAVE, and no performance counters; VMX only on the bare machine.
 */
const feature1Edx = {
  FPU: 0,
  VME: 1,
  DE: 2,
  PSE: 3,
  TSC: 4,
  MSR: 5,
  PAE: 6,
  CX8: 8,
  APIC: 9,
  SEP: 11,
  MTRR: 12,
  PGE: 13,
  CMOV: 15,
  PAT: 16,
  PSE36: 17,
  CLFSH: 19,
  MMX: 23,
  FXSR: 24,
  SSE: 25,
  SSE2: 26,
} as const;
const feature1Ecx = { SSE3: 0, MONITOR: 3, CX16: 13, PCID: 17, MOVBE: 22, POPCNT: 23, RDRAND: 30 } as const;
const feature7Ebx = {
  FSGSBASE: 0,
  TSC_ADJUST: 1,
  BMI1: 3,
  SMEP: 7,
  BMI2: 8,
  INVPCID: 10,
  RDSEED: 18,
  ADX: 19,
  SMAP: 20,
  CLFLUSHOPT: 23,
  CLWB: 24,
} as const;
const feature7Ecx = { UMIP: 2, RDPID: 22, CLDEMOTE: 25, MOVDIRI: 27, MOVDIR64B: 28 } as const;
const feature7Edx = { SERIALIZE: 14 } as const;
const extendedEcx = { LAHF64: 0, LZCNT: 5, PREFETCHW: 8 } as const;
const extended8Ebx = { WBNOINVD: 9 } as const;
const extendedEdx = { SYSCALL: 11, NX: 20, PDPE1GB: 26, RDTSCP: 27, LM: 29 } as const;

const implemented: ReadonlySet<string> = new Set(
  [feature1Edx, feature1Ecx, feature7Ebx, feature7Ecx, feature7Edx, extendedEcx, extendedEdx, extended8Ebx].flatMap(
    (register) => Object.keys(register),
  ),
);
/** Whether the processor has the extension of a row. */
export const isImplemented = (feature: Feature): boolean => implemented.has(feature);

const vendor = ascii("GenuineIntel");
const brand = ascii("Ringside emulated processor".padEnd(48, "\0"));
const none: CpuidResult = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
const vendorLeaf = (highest: number): CpuidResult => ({
  eax: highest,
  ebx: vendor[0]!,
  edx: vendor[1]!,
  ecx: vendor[2]!,
});
const brandLeaf = (at: number): CpuidResult => ({
  eax: brand[at]!,
  ebx: brand[at + 1]!,
  ecx: brand[at + 2]!,
  edx: brand[at + 3]!,
});

/** Sets, ways and bytes of a cache as leaf 4 gives them. They are the model's; memory is always what caches hold here. */
interface Cache {
  /** 1 data, 2 instructions, 3 both. */
  readonly kind: 1 | 2 | 3;
  readonly level: number;
  readonly ways: number;
  readonly sets: number;
}
const caches: readonly Cache[] = [
  { kind: 1, level: 1, ways: 8, sets: 64 },
  { kind: 2, level: 1, ways: 8, sets: 64 },
  { kind: 3, level: 2, ways: 8, sets: 512 },
];
const selfInitializing = 0x100;

/** Leaf 4: each core has its caches for itself. All processors are cores of one package. */
function cacheLeaf(subleaf: number, processors: number): CpuidResult {
  const cache = caches[subleaf];
  if (!cache) return none;
  return {
    eax: (cache.kind | (cache.level << 5) | selfInitializing | ((processors - 1) << 26)) >>> 0,
    ebx: (((cache.ways - 1) << 22) | (lineBytes - 1)) >>> 0,
    ecx: cache.sets - 1,
    edx: 0,
  };
}

/** Leaf 0Bh: a core has one thread, and the package has all cores. */
function topologyLeaf(subleaf: number, { apicId, processors }: Identity): CpuidResult {
  const level = subleaf & 0xff;
  const shared = { ecx: level, edx: apicId };
  const [thread, core] = [0x100, 0x200];
  if (subleaf === 0) return { eax: 0, ebx: 1, ecx: thread, edx: apicId };
  if (subleaf === 1) return { eax: Math.ceil(Math.log2(processors)), ebx: processors, ecx: core | 1, edx: apicId };
  return { eax: 0, ebx: 0, ...shared };
}

const highestBasic = 0xb;
const highestExtended = 0x8000_0008;

/** Whose CPUID it is. */
export interface Identity {
  /** The instruction runs in 64-bit code: Intel's processors show SYSCALL only there. */
  readonly wide: boolean;
  /** ID of the local APIC, and how many processors there are. */
  readonly apicId: number;
  readonly processors: number;
  /** The local APIC is on. */
  readonly localApic?: boolean;
  /** The processor has 5-level paging. */
  readonly fiveLevelPaging?: boolean;
  /** It has VMX for software. */
  readonly vmx?: boolean;
}

const fiveLevels = 16;
const vmx = 5;
const hyperThreading = 28;
const { APIC, ...otherwise1Edx } = feature1Edx;
const always1Edx = Object.values(otherwise1Edx);

/** Leaves that answer the same on every processor. */
const fixedLeaves = new Map<number, CpuidResult>([
  [0, vendorLeaf(highestBasic)],
  // No descriptors but FFh: leaf 4 tells of the caches.
  [2, { ...none, eax: 0xff01 }],
  // Bytes that MONITOR watches, at least and at most; MWAIT knows an extension: masked interrupts end the wait.
  [5, { eax: lineBytes, ebx: lineBytes, ecx: 3, edx: 0 }],
  [0x8000_0000, { ...none, eax: highestExtended }],
  [0x8000_0002, brandLeaf(0)],
  [0x8000_0003, brandLeaf(4)],
  [0x8000_0004, brandLeaf(8)],
]);

/** Whether CPUID always gives the same for a leaf, whatever the subleaf and the processor's state. */
export const isFixedLeaf = (leaf: number): boolean => fixedLeaves.has(leaf);

const leaves = new Map<number, (subleaf: number, identity: Identity) => CpuidResult>([
  [
    1,
    (_, { apicId, processors, localApic = true, vmx: hasVmx = false }) => ({
      eax: signature,
      ebx: ((apicId << 24) | (processors << 16) | ((lineBytes / 8) << 8)) >>> 0,
      ecx: bits(...Object.values(feature1Ecx), ...(hasVmx ? [vmx] : [])),
      edx: bits(...always1Edx, ...(processors > 1 ? [hyperThreading] : []), ...(localApic ? [APIC] : [])),
    }),
  ],
  [4, (subleaf, { processors }) => cacheLeaf(subleaf, processors)],
  [
    7,
    (subleaf, { fiveLevelPaging }) =>
      subleaf === 0
        ? {
            eax: 0,
            ebx: bits(...Object.values(feature7Ebx)),
            ecx: bits(...Object.values(feature7Ecx), ...(fiveLevelPaging ? [fiveLevels] : [])),
            edx: bits(...Object.values(feature7Edx)),
          }
        : none,
  ],
  [0xb, topologyLeaf],
  [
    0x8000_0001,
    (_, { wide }) => {
      const { SYSCALL, ...always } = extendedEdx;
      return {
        ...none,
        ecx: bits(...Object.values(extendedEcx)),
        edx: bits(...Object.values(always), ...(wide ? [SYSCALL] : [])),
      };
    },
  ],
  [
    0x8000_0008,
    (_, { fiveLevelPaging }) => ({
      ...none,
      eax: physicalAddressBits | ((fiveLevelPaging ? 57 : 48) << 8),
      ebx: bits(...Object.values(extended8Ebx)),
    }),
  ],
]);

/**
 * What CPUID returns on the machine itself; all values unsigned. Leaves above the highest basic one answer as that one, as
 * Intel's processors do. A hypervisor that changes leaves or sets the hypervisor bit starts from this.
 */
export function cpuidLeaf(leaf: number, subleaf: number, identity: Identity): CpuidResult {
  const fixed = fixedLeaves.get(leaf);
  if (fixed) return fixed;
  const known = leaves.get(leaf);
  if (known) return known(subleaf, identity);
  const extended = leaf >= 0x8000_0000 && leaf <= highestExtended;
  if (extended || leaf <= highestBasic) return none;
  return leaves.get(highestBasic)?.(subleaf, identity) ?? none;
}

/** Whose CPUID the processor in the core gives. */
export const identityOf = (cpu: State, wide: boolean): Identity => ({
  wide,
  apicId: cpu.r32[layout.apicId >> 2]!,
  processors: cpu.r32[layout.processors >> 2]!,
  localApic: hasLocalApic(cpu),
  fiveLevelPaging: cpu.fiveLevelPaging,
  vmx: cpu.vmx !== undefined,
});

/** Puts the answer to a leaf into EAX, EBX, ECX and EDX, as 32-bit results are put into 64-bit registers. */
export function answerCpuid(cpu: State, leaf: number, subleaf: number, wide: boolean): void {
  const { eax, ebx, ecx, edx } = cpuidLeaf(leaf, subleaf, identityOf(cpu, wide));
  const { r32 } = cpu;
  r32[0] = eax;
  r32[2] = ecx;
  r32[4] = edx;
  r32[6] = ebx;
  r32[1] = r32[3] = r32[5] = r32[7] = 0;
}
