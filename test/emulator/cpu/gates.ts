import type { Fault } from "../../../emulator/cpu/monitor.ts";
import { at, type Processor } from "./processor.ts";

export const handler = 0x5000;

export const gateType = { task: 5, interrupt16: 6, trap16: 7, interrupt32: 14, trap32: 15, call32: 12 } as const;

export const software = (vector: number, length = 2): Fault => ({
  kind: "fault",
  vector,
  errorCode: undefined,
  source: "software",
  length,
});

export function setGate(p: Processor, vector: number, value: bigint, upper?: bigint): void {
  const size = upper === undefined ? 8 : 16;
  p.ram.setBigUint64(at.idt + vector * size, value, true);
  if (upper !== undefined) p.ram.setBigUint64(at.idt + vector * size + 8, upper, true);
}

/** The pointer after delivery, from the stack-pointer register. */
export const sp = (p: Processor): number => Number(BigInt.asUintN(32, p.cpu.r64[4]!));
