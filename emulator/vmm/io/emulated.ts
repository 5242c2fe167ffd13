import { portIn, portOut } from "../../cpu/ports.ts";
import type { HardwareVmm } from "../cpu/hardware-vmm.ts";

const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7];
const directionFlag = 0x400;

/** An I/O instruction as an exit tells it. */
export interface PortExit {
  readonly port: number;
  /** 1, 2 or 4. */
  readonly bytes: number;
  readonly isIn: boolean;
  readonly rep: boolean;
  /** INS or OUTS; the segment is one of ES, CS, SS, DS, FS, GS by number. */
  readonly string: false | { readonly addressBits: number; readonly segment: number };
}

/** IN, OUT, INS and OUTS with REP. May raise what an access to the string's memory raises. */
export function emulatePort(vm: HardwareVmm, access: PortExit): string {
  const { port, bytes, isIn, string } = access;
  if (string) return emulateString(vm, access, string);
  const { cpu } = vm;
  if (isIn) setAccumulator(vm, bytes, portIn(cpu, port, bytes));
  else portOut(cpu, port, bytes, bytes === 4 ? cpu.u32[RAX]! : cpu.u32[RAX]! & (2 ** (8 * bytes) - 1));
  vm.advance();
  return `emulated ${isIn ? "IN" : "OUT"}`;
}

function setAccumulator({ cpu }: HardwareVmm, bytes: number, value: number): void {
  if (bytes === 4) {
    cpu.u32[2 * RAX!] = value;
    cpu.u32[2 * RAX! + 1] = 0;
  } else if (bytes === 2) cpu.r16[RAX] = value;
  else cpu.r8[RAX] = value;
}

type StringFacts = Exclude<PortExit["string"], false>;

/** Iterations of a repeated instruction that a VMM makes at once: then interrupts, other VMs and a person who wants to stop get their turn. As many as KVM makes. */
export const mostIterations = 1024;

/** Iterations until the end, or as many as there may be: then the guest, resumed, exits again. An exception in the middle leaves rCX and the pointer where the guest can go on. */
function emulateString(vm: HardwareVmm, access: PortExit, { addressBits, segment }: StringFacts): string {
  const { cpu } = vm;
  const pointer = access.isIn ? RDI! : RSI!;
  const step = (cpu.eflags & directionFlag) !== 0 ? -access.bytes : access.bytes;
  let done = 0;
  while (!access.rep || part(vm, RCX!, addressBits) !== 0n) {
    element(vm, access, segment, offsetIn(vm, pointer, addressBits));
    setPart(vm, pointer, addressBits, part(vm, pointer, addressBits) + BigInt(step));
    done++;
    vm.completed(1);
    if (!access.rep) break;
    setPart(vm, RCX!, addressBits, part(vm, RCX!, addressBits) - 1n);
    if (vm.trapsDue && part(vm, RCX!, addressBits) !== 0n) {
      vm.noteTraps();
      return "emulated one iteration, after which a debug trap comes";
    }
    if (done === mostIterations && part(vm, RCX!, addressBits) !== 0n)
      return `emulated ${done} iterations, and lets the guest exit again for the rest`;
  }
  vm.advance(done === 0 ? 1 : 0);
  return `emulated ${access.rep ? "REP " : ""}${access.isIn ? "INS" : "OUTS"}, ${done} element${done === 1 ? "" : "s"}`;
}

function element({ cpu }: HardwareVmm, { port, bytes, isIn }: PortExit, segment: number, offset: number): void {
  if (!isIn) {
    const value =
      bytes === 1
        ? cpu.load8(segment, offset)
        : bytes === 2
          ? cpu.load16(segment, offset)
          : cpu.load32(segment, offset);
    portOut(cpu, port, bytes, value >>> 0);
    return;
  }
  // What a port gives once it may not give again: the store must be possible first.
  cpu.prepareStore(segment, offset, bytes);
  const value = portIn(cpu, port, bytes);
  if (bytes === 1) cpu.store8(segment, offset, value);
  else if (bytes === 2) cpu.store16(segment, offset, value);
  else cpu.store32(segment, offset, value | 0);
}

/** A register at the address size. */
const part = ({ cpu }: HardwareVmm, register: number, bits: number): bigint => BigInt.asUintN(bits, cpu.r64[register]!);

function setPart({ cpu }: HardwareVmm, register: number, bits: number, value: bigint): void {
  const low = BigInt.asUintN(bits, value);
  cpu.r64[register] = bits === 16 ? (cpu.r64[register]! & ~0xffffn) | low : low;
}

const offsetIn = (vm: HardwareVmm, register: number, bits: number): number =>
  bits === 64 ? Number(BigInt.asIntN(64, vm.cpu.r64[register]!)) : Number(part(vm, register, bits));
