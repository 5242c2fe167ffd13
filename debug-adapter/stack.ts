/**
 * The guest's call stack, read from its stack. Code in assembly keeps no frame pointers one could rely on, and tracking
 * every CALL would slow the engines down, so the words from the stack pointer up are looked at: one that is the address
 * just after a CALL or INT of the program is a return address, and one that is followed by a code selector and a
 * plausible FLAGS image is where an interrupt or exception struck. A word that only looks like one gives a wrong frame.
 */
import type { MachineInterface } from "../emulator/machine-interface.ts";
import type { MachineEvent } from "../emulator/trace/event.ts";
import { isCall, isSoftwareInterrupt, stackTop, wrapLinear } from "./code.ts";
import { hexadecimal, instructionEndingAt, isInstructionStart, type Program, placeOf, placeText } from "./program.ts";
import { readRegisters } from "./registers.ts";

export type Frame =
  | {
      readonly kind: "guest";
      readonly name: string;
      /** Linear address: of the next instruction in the newest frame, of the return in the others. */
      readonly address: bigint;
      /** Linear address to look up the source line by: within the call for the older frames. */
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

interface Words {
  readonly values: readonly bigint[];
  readonly bytes: number;
  readonly pointer: bigint;
}

/** Words above the stack pointer, up to the first unmapped byte or the end of the stack segment. */
function stackWords(machine: MachineInterface): Words {
  const { base, pointer, width } = stackTop(machine);
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

/** The frames of the guest, the newest first. */
export function guestFrames(machine: MachineInterface, program: Program): readonly GuestFrame[] {
  const frames = [guestFrame(program, machine.linearRip, machine.linearRip, undefined)];
  const registers = readRegisters(machine);
  const codeBase = machine.bits === 64 ? 0n : (registers.get("CS.BASE")?.value ?? 0n);
  const selector = registers.get("CS")?.value ?? 0n;
  const { values, bytes, pointer } = stackWords(machine);
  for (let n = 0; n < values.length && frames.length < most; n++) {
    const slot = pointer + BigInt(n * bytes);
    const address = wrapLinear(codeBase + values[n]!, machine.bits);
    const before = instructionEndingAt(program, address)?.decoded;
    // The low two bits of a selector are a privilege level, which an interrupt may have changed.
    const sameCode = (values[n + 1] ?? -1n) >> 2n === selector >> 2n;
    const interrupted = sameCode && looksLikeFlags(values[n + 2] ?? 0n);
    if (before && (isCall(before) || (isSoftwareInterrupt(before) && interrupted)))
      frames.push(guestFrame(program, address, address - 1n, slot));
    else if (interrupted && isInstructionStart(program, address))
      frames.push(guestFrame(program, address, address, slot));
    else continue;
    if (interrupted) n += 2;
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
  { kind: "boundary", name: `──── VM exit: ${exit.reason} ────` },
];
