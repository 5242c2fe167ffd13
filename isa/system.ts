import type { Width } from "./registers.ts";

/**
 * Procedures of the CPU that rows call by name: argument and result widths in bits. Across this border a value of up
 * to 32 bits is an unsigned `number`, one of 64 bits an unsigned `bigint`. A procedure may raise exceptions, change the
 * instruction pointer, halt, or cause a VM exit; it acts completely or not at all.
 */
export const systemCalls = {
  // Segments and far transfers (SDM Vol. 3, chapters 5 and 6).
  /** segment register number, selector */
  loadSegment: { args: [8, 16], result: undefined },
  farJump: { args: [16, 64], result: undefined },
  farCall: { args: [16, 64], result: undefined },
  /** bytes to release after the return address */
  farReturn: { args: [16], result: undefined },
  /** INT n */
  softwareInterrupt: { args: [8], result: undefined },
  /** INT3 */
  breakpoint: { args: [], result: undefined },
  /** INTO */
  overflowTrap: { args: [], result: undefined },
  interruptReturn: { args: [], result: undefined },
  // Flags as an image, with the silent rules of POPF by CPL and IOPL.
  flagsImage: { args: [], result: 64 },
  popFlags: { args: [64], result: undefined },
  setInterruptFlag: { args: [], result: undefined },
  clearInterruptFlag: { args: [], result: undefined },
  setDirectionFlag: { args: [], result: undefined },
  clearDirectionFlag: { args: [], result: undefined },
  directionFlag: { args: [], result: 8 },
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
  // I/O. The permission check (IOPL, TSS bitmap) is made by the CPU from the row's `privilege`.
  portIn: { args: [16, 8], result: 32 },
  /** port, size in bytes, value */
  portOut: { args: [16, 8, 32], result: undefined },
  // The rest.
  halt: { args: [], result: undefined },
  invalidatePage: { args: [64], result: undefined },
  writeBackCaches: { args: [], result: undefined },
  pause: { args: [], result: undefined },
  vmcall: { args: [], result: undefined },
  vmmcall: { args: [], result: undefined },
  systemCall: { args: [], result: undefined },
  systemReturn: { args: [], result: undefined },
  swapGs: { args: [], result: undefined },
} as const satisfies Record<string, { args: readonly Width[]; result: Width | undefined }>;

export type SystemCalls = typeof systemCalls;
export type SystemCall = keyof SystemCalls;
