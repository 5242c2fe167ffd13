import type { Width } from "./registers.ts";

const plain = { args: [], result: undefined } as const;

/** VMX instructions (SDM Vol. 3, chapter 31). Each finds its operands itself, and tells by CF and ZF how it went. */
export const vmxCalls = {
  vmxOn: plain,
  vmxOff: plain,
  vmClear: plain,
  vmPointerLoad: plain,
  vmPointerStore: plain,
  vmRead: plain,
  vmWrite: plain,
  vmLaunch: plain,
  vmResume: plain,
  invalidateExtended: plain,
  invalidateVirtualProcessor: plain,
  vmcall: plain,
} as const;

/**
 * Procedures of the CPU that rows call by name: argument and result widths in bits. Across this border a value of up
 * to 32 bits is an unsigned `number`, one of 64 bits an unsigned `bigint`. A procedure may raise exceptions, change the
 * instruction pointer, halt, or cause a VM exit; it acts completely or not at all.
 */
export const systemCalls = {
  // Segments and far transfers (SDM Vol. 3, chapters 5 and 6).
  /** segment register number, selector; all checks of a segment load (LDS, LSS, …) */
  loadSegment: { args: [8, 16], result: undefined },
  /** as `loadSegment`, by MOV: #UD for CS; after SS interrupts are blocked for one instruction */
  moveToSegment: { args: [8, 16], result: undefined },
  /** POP into that segment register at the operand size: reads the stack, loads, then moves the stack pointer; blocks as MOV does */
  popSegment: { args: [8], result: undefined },
  farJump: { args: [16, 64], result: undefined },
  farCall: { args: [16, 64], result: undefined },
  /** bytes to release after the return address */
  farReturn: { args: [16], result: undefined },
  /** INT n */
  softwareInterrupt: { args: [8], result: undefined },
  /** INT3 */
  breakpoint: { args: [], result: undefined },
  /** INTO with OF set */
  overflowTrap: { args: [], result: undefined },
  /** INT1 (ICEBP): #DB as a trap, pushes the address of the following instruction */
  debugTrap: { args: [], result: undefined },
  interruptReturn: { args: [], result: undefined },
  // Stack operations of many steps, at the operand size.
  /** PUSHA */
  pushAll: { args: [], result: undefined },
  /** POPA */
  popAll: { args: [], result: undefined },
  /** ENTER: bytes to allocate, nesting level */
  enter: { args: [16, 8], result: undefined },
  /** LEAVE outside 64-bit mode, where the stack segment decides the width of the stack pointer */
  leave: { args: [], result: undefined },
  // Flags as an image, with the silent rules of POPF by CPL and IOPL.
  /** What PUSHF pushes (RF and VM clear); #GP(0) in virtual-8086 mode with IOPL < 3 and no VME */
  flagsImage: { args: [], result: 64 },
  popFlags: { args: [64], result: undefined },
  setInterruptFlag: { args: [], result: undefined },
  clearInterruptFlag: { args: [], result: undefined },
  setDirectionFlag: { args: [], result: undefined },
  clearDirectionFlag: { args: [], result: undefined },
  /** STAC, CLAC */
  setAlignmentCheck: { args: [], result: undefined },
  clearAlignmentCheck: { args: [], result: undefined },
  // Descriptor tables.
  gdtBase: { args: [], result: 64 },
  gdtLimit: { args: [], result: 16 },
  idtBase: { args: [], result: 64 },
  idtLimit: { args: [], result: 16 },
  loadGdt: { args: [16, 64], result: undefined },
  loadIdt: { args: [16, 64], result: undefined },
  ldtSelector: { args: [], result: 16 },
  loadLdt: { args: [16], result: undefined },
  taskSelector: { args: [], result: 16 },
  loadTask: { args: [16], result: undefined },
  /** Access rights of a selector; sets ZF and returns the masked rights, else clears ZF and returns 0. */
  accessRights: { args: [16], result: 32 },
  segmentLimit: { args: [16], result: 32 },
  verifyRead: { args: [16], result: undefined },
  verifyWrite: { args: [16], result: undefined },
  // Control, debug and model-specific registers.
  readControl: { args: [8], result: 64 },
  writeControl: { args: [8, 64], result: undefined },
  readDebug: { args: [8], result: 64 },
  writeDebug: { args: [8, 64], result: undefined },
  loadMachineStatus: { args: [16], result: undefined },
  machineStatus: { args: [], result: 64 },
  clearTaskSwitched: { args: [], result: undefined },
  readMsr: { args: [32], result: 64 },
  writeMsr: { args: [32, 64], result: undefined },
  /** Acts on EAX, EBX, ECX, EDX itself. */
  cpuid: { args: [], result: undefined },
  timeStamp: { args: [], result: 64 },
  /** IA32_TSC_AUX, for RDTSCP */
  processorId: { args: [], result: 32 },
  /** RDPMC: counter number */
  readCounter: { args: [32], result: 64 },
  /** XGETBV, XSETBV: register number; #UD unless CR4.OSXSAVE */
  readExtendedControl: { args: [32], result: 64 },
  writeExtendedControl: { args: [32, 64], result: undefined },
  // I/O. The permission check (IOPL, TSS bitmap) is made by the CPU from the row's `privilege`.
  portIn: { args: [16, 8], result: 32 },
  /** port, size in bytes, value */
  portOut: { args: [16, 8, 32], result: undefined },
  // The rest.
  halt: { args: [], result: undefined },
  /** INVLPG: effective address; the segment is that of the instruction's operand */
  invalidatePage: { args: [64], result: undefined },
  /** INVPCID: type, PCID and reserved bits, linear address */
  invalidateContext: { args: [64, 64, 64], result: undefined },
  /** INVD: as WBINVD here, for the emulated caches are always written through */
  invalidateCaches: { args: [], result: undefined },
  writeBackCaches: { args: [], result: undefined },
  pause: { args: [], result: undefined },
  /** MONITOR: effective address and hints (ECX); the segment is DS or that of the override */
  monitorLine: { args: [64, 32], result: undefined },
  /** MWAIT: extensions (ECX) */
  monitorWait: { args: [32], result: undefined },
  /** RDRAND, RDSEED: 64 bits of a sequence that is the same in every run */
  randomNumber: { args: [], result: 64 },
  /** MOVDIR64B: offset of the destination in ES, and of the source in the segment of the instruction's operand */
  moveLine: { args: [64, 64], result: undefined },
  /** RDFSBASE, WRFSBASE, …: segment register number; #UD unless CR4.FSGSBASE */
  readSegmentBase: { args: [8], result: 64 },
  writeSegmentBase: { args: [8, 64], result: undefined },
  ...vmxCalls,
  vmmcall: { args: [], result: undefined },
  /** VMFUNC: as a monitor has enabled it; #UD */
  vmFunction: { args: [], result: undefined },
  systemCall: { args: [], result: undefined },
  systemReturn: { args: [], result: undefined },
  /** SYSENTER, SYSEXIT */
  fastEnter: { args: [], result: undefined },
  fastExit: { args: [], result: undefined },
  swapGs: { args: [], result: undefined },
  /** DIV, IDIV of RDX:RAX by the argument into RAX, RDX; #DE */
  divideUnsigned128: { args: [64], result: undefined },
  divideSigned128: { args: [64], result: undefined },
  /** The x87 unit executes the instruction. */
  x87: { args: [], result: undefined },
  /** The vector unit executes the instruction (SSE): it changes registers, flags and memory only. */
  vector: { args: [], result: undefined },
  /** The same with MMX registers, which are the x87 unit's: its pending exceptions come first. */
  mmx: { args: [], result: undefined },
  /** PDEP: puts the low bits of the first value where the mask, the second, has ones. PEXT: collects those bits. */
  depositBits: { args: [64, 64], result: 64 },
  extractBits: { args: [64, 64], result: 64 },
  /** CMPXCHG16B: effective address; the segment is that of the instruction's operand */
  compareExchange16Bytes: { args: [64], result: undefined },
} as const satisfies Record<string, { args: readonly Width[]; result: Width | undefined }>;

export type SystemCalls = typeof systemCalls;
export type SystemCall = keyof SystemCalls;
/** A VMX instruction. */
export type VmxCall = keyof typeof vmxCalls;
