/**
 * The guest's call stack, read from its stack. Code in assembly keeps no frame pointers one could rely on, and tracking
 * every CALL would slow the engines down, so the words from the stack pointer up are looked at: one that is the address
 * just after a CALL or INT of the program is a return address, and one that is followed by a code selector and a
 * plausible FLAGS image is where an interrupt or exception struck. A word that only looks like one gives a wrong frame.
 */
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { isCall, isSoftwareInterrupt, type StackTop, stackTop, wrapLinear } from "./code.ts";
import { exitTitle } from "./halts.ts";
import {
  hexadecimal,
  instructionEndingAt,
  isInstructionStart,
  type Program,
  placeOf,
  placeText,
  toLinear,
} from "./program.ts";
import { readRegisters } from "./registers.ts";

export type Frame =
  | {
      readonly kind: "guest";
      readonly name: string;
      /** Linear address: of the next instruction in the newest frame, of the return in the others. */
      readonly address: bigint;
      /** Linear address of the instruction at hand: of the call, in the older frames. */
      readonly within: bigint;
      /** Offset of the stack slot that holds the return address; undefined in the newest frame. */
      readonly slot: bigint | undefined;
    }
  /** Code of the VMM, which is not x86 code of this machine. */
  | { readonly kind: "vmm"; readonly name: string }
  | { readonly kind: "boundary"; readonly name: string };

export type GuestFrame = Frame & { kind: "guest" };

/** Words of the stack that are looked at, and the most frames shown. */
const depth = 1024;
const most = 64;

const guestFrame = (program: Program, address: bigint, within: bigint, slot: bigint | undefined): GuestFrame => {
  const place = placeOf(program, within);
  return { kind: "guest", name: place ? placeText(place) : hexadecimal(address), address, within, slot };
};

/** Words of a stack from its pointer up, to the first unmapped byte or the end of the stack segment. */
interface Words {
  readonly values: readonly bigint[];
  readonly bytes: number;
  readonly pointer: bigint;
}

function stackWords(machine: MachineInterface, { base, pointer, width }: StackTop): Words {
  const bytes = machine.bits / 8;
  const room = (1n << BigInt(width)) - pointer;
  const length = Number(room < BigInt(depth * bytes) ? room : BigInt(depth * bytes));
  const cells = machine.readMemory("linear", wrapLinear(base + pointer, machine.bits), length);
  const values: bigint[] = [];
  for (let n = 0; n + bytes <= cells.length; n += bytes) {
    let value = 0n;
    for (let k = bytes - 1; k >= 0; k--) {
      const cell = cells[n + k];
      if (cell === undefined) return { values, bytes, pointer };
      value = (value << 8n) | BigInt(cell);
    }
    values.push(value);
  }
  return { values, bytes, pointer };
}

/** FLAGS as an interrupt pushes them: bit 1 set, bits 3, 5, 15 and 31:22 clear. */
const looksLikeFlags = (value: bigint): boolean => (value & 0xffff_ffff_ffc0_802an) === 2n;

/** The code segment in force, and what can be said of others without looking at descriptors. */
interface CodeSegments {
  readonly real: boolean;
  readonly selector: bigint;
  readonly base: bigint;
  readonly cpl: bigint;
}

function codeSegments(machine: MachineInterface): CodeSegments {
  const registers = readRegisters(machine);
  const value = (name: string) => registers.get(name)?.value ?? 0n;
  const real = (value("CR0") & 1n) === 0n || value("VM") === 1n;
  const base = machine.bits === 64 ? 0n : value("CS.BASE");
  return { real, selector: value("CS"), base, cpl: BigInt(machine.cpl) };
}

/** Linear base of a code segment that an interrupt may have left; undefined if it cannot be one. Outer rings are taken as flat. */
function interruptedBase({ real, selector, base, cpl }: CodeSegments, other: bigint): bigint | undefined {
  if (other > 0xffffn) return undefined;
  if (real) return other << 4n;
  if (other >> 2n === selector >> 2n) return base;
  return (other & 3n) > cpl && other >> 3n !== 0n ? 0n : undefined;
}

interface Found {
  readonly frame: GuestFrame;
  /** Words that belong to it. */
  readonly words: number;
  /** The stack that the interrupted code had, if another. */
  readonly outer?: StackTop;
}

/** The frame whose return address is word `n`, if that is one. */
function frameAt(machine: MachineInterface, program: Program, code: CodeSegments, words: Words, n: number) {
  const { values, bytes, pointer } = words;
  const [offset = 0n, selector = -1n, flags = 0n, outerPointer = 0n, outerSelector = 0n] = values.slice(n, n + 5);
  const slot = pointer + BigInt(n * bytes);
  const base = looksLikeFlags(flags) ? interruptedBase(code, selector) : undefined;
  const address = wrapLinear((base ?? code.base) + offset, machine.bits);
  const before = instructionEndingAt(program, address);
  const start = before && toLinear(program, before.address);
  const calls = before?.decoded && isCall(before.decoded);
  const interrupts = before?.decoded && isSoftwareInterrupt(before.decoded);
  const found = (within: bigint, count: number): Found => ({
    frame: guestFrame(program, address, within, slot),
    words: count,
  });
  if (base !== undefined && (isInstructionStart(program, address) || interrupts)) {
    const within = interrupts ? start! : address;
    const changesRing = !code.real && (selector & 3n) > code.cpl;
    if (machine.bits !== 64 && !changesRing) return found(within, 3);
    const width = machine.bits === 64 ? 64 : 32;
    const outer = outerSelector <= 0xffffn ? { outer: { base: 0n, pointer: outerPointer, width } as const } : {};
    return { ...found(within, 5), ...outer };
  }
  return calls ? found(start!, 1) : undefined;
}

/**
 * The next instruction. Of a guest that will never run on after a HLT, the HLT; of one that has called its VMM by an instruction that
 * is behind it already, such as INT, that one.
 */
function instructionAtHand({ linearRip, stopped, pendingExit }: MachineInterface, program: Program): bigint {
  const last = instructionEndingAt(program, linearRip);
  if (!last?.decoded) return linearRip;
  const linear = toLinear(program, last.address);
  const haltsForEver = stopped?.reason === "halted" && last.decoded.row.mnemonic === "hlt";
  const calls = pendingExit?.kind === "exit" && BigInt(`0x${pendingExit.rip}`) === linear;
  return haltsForEver || calls ? linear : linearRip;
}

/** The frames of the guest, the newest first. */
export function guestFrames(machine: MachineInterface, program: Program): readonly GuestFrame[] {
  const frames = [guestFrame(program, machine.linearRip, instructionAtHand(machine, program), undefined)];
  let code = codeSegments(machine);
  let words = stackWords(machine, stackTop(machine));
  for (let n = 0; n < words.values.length && frames.length < most; n++) {
    const found = frameAt(machine, program, code, words, n);
    if (!found) continue;
    frames.push(found.frame);
    if (found.outer) {
      const selector = words.values[n + 1] ?? 0n;
      if (selector >> 2n !== code.selector >> 2n) code = { ...code, selector, base: 0n, cpl: selector & 3n };
      words = stackWords(machine, found.outer);
      n = -1;
    } else n += found.words - 1;
  }
  return frames;
}

/** The whole call stack. While an exit is pending the VMM's frames lie above the guest's, with the boundary between. */
export function callStack(machine: MachineInterface, program: Program): readonly Frame[] {
  const guest = guestFrames(machine, program);
  const exit = machine.pendingExit;
  return exit?.kind === "exit" ? [...monitorFrames(exit), ...guest] : guest;
}

const monitorFrames = (exit: MachineEvent & { kind: "exit" }): readonly Frame[] => [
  { kind: "vmm", name: `VMM: handle ${exit.reason}` },
  { kind: "vmm", name: "VMM: dispatch exits" },
  { kind: "boundary", name: `──── ${exitTitle(exit)} ────` },
];
