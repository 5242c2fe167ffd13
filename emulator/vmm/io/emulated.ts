import { portIn, portOut } from "../../cpu/ports.ts";
import { bitsOf } from "../../vmx/bit-layout.ts";
import type { HardwareAssisted } from "../cpu/hardware-assisted.ts";

const [RAX, RCX, RSI, RDI] = [0, 1, 6, 7];
const directionFlag = 0x400;
/** Bits of the exit qualification for I/O instructions. */
const qualificationBit = { in: 8, string: 0x10, rep: 0x20 } as const;

/** IN, OUT, INS and OUTS with REP, from the exit qualification. May raise what an access to the string's memory raises. */
export function emulatePort(vm: HardwareAssisted): string {
  const q = vm.readNumber("exitQualification");
  const port = q >>> 16;
  const bytes = (q & 7) + 1;
  const isIn = (q & qualificationBit.in) !== 0;
  if ((q & qualificationBit.string) !== 0)
    return emulateString(vm, { port, bytes, isIn, rep: (q & qualificationBit.rep) !== 0 });
  const { cpu } = vm;
  if (isIn) setAccumulator(vm, bytes, portIn(cpu, port, bytes));
  else portOut(cpu, port, bytes, bytes === 4 ? cpu.u32[RAX]! : cpu.u32[RAX]! & (2 ** (8 * bytes) - 1));
  vm.advance();
  return `emulated ${isIn ? "IN" : "OUT"}`;
}

function setAccumulator({ cpu }: HardwareAssisted, bytes: number, value: number): void {
  if (bytes === 4) {
    cpu.u32[2 * RAX!] = value;
    cpu.u32[2 * RAX! + 1] = 0;
  } else if (bytes === 2) cpu.r16[RAX] = value;
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
