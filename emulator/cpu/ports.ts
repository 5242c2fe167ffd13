import type { Cpu } from "./cpu.ts";
import { meetPort } from "./debug-registers.ts";

/** Reads 1, 2 or 4 bytes from a port, as an instruction does that is allowed to; I/O breakpoints are met. */
export function portIn(cpu: Cpu, port: number, bytes: number): number {
  const value = cpu.bus.in(port, bytes);
  meetPort(cpu, port, bytes);
  return value;
}

export function portOut(cpu: Cpu, port: number, bytes: number, value: number): void {
  cpu.bus.out(port, bytes, value);
  meetPort(cpu, port, bytes);
}
