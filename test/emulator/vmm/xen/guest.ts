import type { Machine, MachineEvent } from "../../../../emulator/index.ts";
import { frameTypes } from "../../../../emulator/vmm/xen/frame-table.ts";
import { bytesOf } from "../../../../emulator/vmm/xen/guest-access.ts";
import { type Fields, layoutOf } from "../../../../emulator/vmm/xen/structure.ts";
import { machineWith } from "../../machine/program.ts";

export type Bits = 32 | 64;

/** start_info, by width: offsets of what tests look at. */
const startInfo = { 32: { shared: 36, base: 60, list: 68 }, 64: { shared: 40, base: 88, list: 104 } } as const;
const registers = {
  32: ["EBX", "ECX", "EDX", "ESI", "EDI"],
  64: ["RDI", "RSI", "RDX", "R10", "R8"],
} as const;
const sources = {
  32: `%pragma ringside mode xen
       org 100000h
       bits 32
call:  int 82h
       jmp call`,
  64: `%pragma ringside mode xen
       org 100000h
       bits 64
call:  syscall
       jmp call`,
};
export const code = 0x10_0000;
/** Memory of the guest that nothing uses: linear and pseudo-physical address. */
export const scratch = 0x30_0000;
const frameTableAt = 0x1000n;

export interface Reply {
  readonly result: bigint;
  readonly event: MachineEvent & { readonly kind: "hypercall" };
}

/** A paravirtual guest that makes the hypercalls it is told to. */
export class XenGuest {
  readonly machine: Machine;
  readonly bits: Bits;
  readonly word: 4 | 8;
  readonly info: number;

  constructor(bits: Bits, source = sources[bits]) {
    this.bits = bits;
    this.word = bits === 64 ? 8 : 4;
    this.machine = machineWith(source, { technique: "paravirtualization", memory: 4, translate: false });
    this.info = Number(this.register(bits === 64 ? "RSI" : "ESI"));
  }

  /** Gives what puts the guest back to where it is now, which is quicker than to make another. */
  keep(): () => void {
    const { machine } = this;
    const bytes = machine.bytes.slice();
    const kept = machine.keep(undefined);
    return () => {
      machine.bytes.set(bytes);
      machine.takeBack(kept);
    };
  }

  register(name: string): bigint {
    return this.machine.registers().find((register) => register.name === name)!.value;
  }

  set(name: string, value: bigint | number): void {
    const result = this.machine.setRegister(name, BigInt.asUintN(this.bits, BigInt(value)));
    if (result !== true) throw new Error(result);
  }

  /** Makes a hypercall; arguments of 64 bits are given to `wide`. */
  call(number: number, ...args: readonly (bigint | number)[]): Reply {
    this.set(this.bits === 64 ? "RIP" : "EIP", code);
    this.set(this.bits === 64 ? "RAX" : "EAX", number);
    for (const [n, value] of args.entries()) this.set(registers[this.bits][n]!, value);
    const before = this.machine.lastSequence;
    // The instruction leaves the guest; then Xen does its work.
    this.machine.run({ steps: 2 });
    const event = this.machine.events(before, 1000, ["hypercall"]).at(-1);
    if (event?.kind !== "hypercall") throw new Error("no hypercall was made");
    const rax = this.register(this.bits === 64 ? "RAX" : "EAX");
    return { result: BigInt.asIntN(this.bits, rax), event };
  }

  /** An argument of 64 bits: one register, or two. */
  wide(value: bigint | number): bigint[] {
    const whole = BigInt.asUintN(64, BigInt(value));
    return this.bits === 64 ? [whole] : [whole & 0xffff_ffffn, whole >> 32n];
  }

  /** Runs until a certain kind of event, at most so many steps. */
  until(kind: MachineEvent["kind"], steps = 1000): MachineEvent | undefined {
    const before = this.machine.lastSequence;
    for (let n = 0; n < steps; n++) {
      this.machine.step();
      const found = this.machine.events(before, 1000, [kind]).at(-1);
      if (found || this.machine.stopped) return found;
    }
    return undefined;
  }

  read(linear: number, bytes: number): bigint {
    const found = this.machine.readMemory("linear", BigInt(linear), bytes);
    return found.reduce<bigint>((value, byte, n) => value | (BigInt(byte ?? 0) << BigInt(8 * n)), 0n);
  }

  isMapped(linear: number): boolean {
    return this.machine.readMemory("linear", BigInt(linear), 1)[0] !== undefined;
  }

  write(linear: number, bytes: Uint8Array): void {
    if (this.machine.writeMemory("linear", BigInt(linear), bytes) !== bytes.length) throw new Error("not mapped");
  }

  /** Puts a structure into memory as the guest's compiler would, and gives its address. */
  put<F extends Fields>(fields: F, values: Partial<Record<keyof F, bigint | number>>, at = scratch): number {
    const { offsets, size } = layoutOf(fields, this.bits);
    this.write(at, new Uint8Array(size));
    for (const [name, { at: offset, size: bytes }] of Object.entries(offsets) as [
      keyof F,
      { at: number; size: number },
    ][])
      this.write(at + offset, bytesOf(BigInt.asUintN(64, BigInt(values[name] ?? 0)), bytes));
    return at;
  }

  /** A field of a structure in memory. */
  field<F extends Fields>(fields: F, name: keyof F, at = scratch): bigint {
    const { at: offset, size } = layoutOf(fields, this.bits).offsets[name];
    return this.read(at + offset, size);
  }

  /** Machine frame of a pseudo-physical page, by the list that Xen made. */
  frame(page: number): number {
    return Number(
      this.read(Number(this.read(this.info + startInfo[this.bits].list, this.word)) + page * this.word, this.word),
    );
  }

  /** Machine frame of the page of a linear address (as the guest starts). */
  frameOf(linear: number): number {
    return this.frame(linear >> 12);
  }

  get base(): number {
    return Number(this.read(this.info + startInfo[this.bits].base, this.word));
  }

  get shared(): bigint {
    return this.read(this.info + startInfo[this.bits].shared, this.word);
  }

  /** A present entry for a frame, for user mode where the width needs it. */
  entry(frame: number, flags: bigint | number = 3): bigint {
    return (BigInt(frame) << 12n) | BigInt(flags) | (this.bits === 64 ? 4n : 0n);
  }

  /** update_va_mapping. */
  map(linear: number, entry: bigint): Reply {
    return this.call(14, linear, ...this.wide(entry), 2);
  }

  /** Maps shared_info at a page of the guest. */
  mapShared(at = scratch + 0x1000): number {
    this.map(at, this.shared | (this.bits === 64 ? 7n : 3n));
    return at;
  }

  machineWord(address: number): bigint {
    const found = this.machine.readMemory("host-physical", BigInt(address), 8);
    return found.reduce<bigint>((value, byte, n) => value | (BigInt(byte ?? 0) << BigInt(8 * n)), 0n);
  }
}

/** What Xen's frame table says of a frame. */
export interface FrameUse {
  readonly owner: "Xen" | "guest" | "nobody" | "device";
  readonly references: number;
  readonly type: (typeof frameTypes)[number];
  readonly uses: number;
  readonly pinned: boolean;
}

/** The frame table, read as bytes. */
export function frameTableOf({ machine }: Pick<XenGuest, "machine">, frames: number): FrameUse[] {
  const bytes = machine.readMemory("host-physical", frameTableAt, frames * 8).map((byte) => byte ?? 0);
  const view = new DataView(Uint8Array.from(bytes).buffer);
  return Array.from({ length: frames }, (_, n) => {
    const [general, use] = [view.getUint32(8 * n, true), view.getUint32(8 * n + 4, true)];
    return {
      owner: (["Xen", "guest", "nobody", "device"] as const)[(general >>> 29) & 3]!,
      references: general & 0xff_ffff,
      type: frameTypes[use >>> 28]!,
      uses: use & 0xff_ffff,
      pinned: (use & 0x0800_0000) !== 0,
    };
  });
}
