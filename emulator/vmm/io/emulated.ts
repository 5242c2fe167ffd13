import { portIn, portOut } from "../../cpu/ports.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import type { HardwareAssisted } from "../cpu/hardware-assisted.ts";

const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7];
const directionFlag = 0x400;

/** IN, OUT, INS and OUTS with REP, from the exit qualification. May raise what an access to the string's memory raises. */
export function emulatePort(vm: HardwareAssisted): string {
  const q = vm.read("exitQualification");
  const port = Number(bitsOf(q, 31, 16));
  const bytes = Number(bitsOf(q, 2, 0)) + 1;
  const isIn = bitsOf(q, 3, 3) === 1n;
  if (bitsOf(q, 4, 4) === 1n) return emulateString(vm, { port, bytes, isIn, rep: bitsOf(q, 5, 5) === 1n });
  const { cpu } = vm;
  if (isIn) setAccumulator(vm, bytes, portIn(cpu, port, bytes));
  else portOut(cpu, port, bytes, Number(cpu.r64[RAX]! & (2n ** BigInt(8 * bytes) - 1n)));
  vm.advance();
  return `emulated ${isIn ? "IN" : "OUT"}`;
}

function setAccumulator({ cpu }: HardwareAssisted, bytes: number, value: number): void {
  if (bytes === 4) cpu.r64[RAX] = BigInt(value >>> 0);
  else if (bytes === 2) cpu.r16[RAX] = value;
  else cpu.r8[RAX] = value;
}

interface StringAccess {
  readonly port: number;
  readonly bytes: number;
  readonly isIn: boolean;
  readonly rep: boolean;
}

/** All iterations in one exit. An exception in the middle leaves rCX and the pointer where the guest can go on. */
function emulateString(vm: HardwareAssisted, access: StringAccess): string {
  const { cpu } = vm;
  const info = BigInt(vm.readNumber("exitInstructionInfo"));
  const addressBits = 16 << Number(bitsOf(info, 9, 7));
  const segment = Number(bitsOf(info, 17, 15));
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
  }
  vm.advance(done === 0 ? 1 : 0);
  return `emulated ${access.rep ? "REP " : ""}${access.isIn ? "INS" : "OUTS"}, ${done} element${done === 1 ? "" : "s"}`;
}

function element(
  { cpu }: HardwareAssisted,
  { port, bytes, isIn }: StringAccess,
  segment: number,
  offset: number,
): void {
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
const part = ({ cpu }: HardwareAssisted, register: number, bits: number): bigint =>
  BigInt.asUintN(bits, cpu.r64[register]!);

function setPart({ cpu }: HardwareAssisted, register: number, bits: number, value: bigint): void {
  const low = BigInt.asUintN(bits, value);
  cpu.r64[register] = bits === 16 ? (cpu.r64[register]! & ~0xffffn) | low : low;
}

const offsetIn = (vm: HardwareAssisted, register: number, bits: number): number =>
  bits === 64 ? Number(BigInt.asIntN(64, vm.cpu.r64[register]!)) : Number(part(vm, register, bits));
