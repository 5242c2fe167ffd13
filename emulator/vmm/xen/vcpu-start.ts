import { dplOf, isPresent, isReadable, nullSegment, segmentFrom } from "../../cpu/descriptor.ts";
import { layout } from "../../cpu/layout.ts";
import { readDescriptor } from "../../cpu/segmentation.ts";
import { CS, DS, ES, FS, GS, LDTR, SS, signedNumber } from "../../cpu/state.ts";
import { type GuestBits, guestGdtEntries, mostLdtEntries, type Refused, refused, selectors } from "./abi.ts";
import { loadSystemRegisters } from "./builder.ts";
import type { Answer, Call } from "./call.ts";
import type { Domain } from "./domain.ts";
import { loadSegment } from "./entry-frames.ts";
import { typeOfLevel } from "./page-types.ts";
import type { CallbackName, Trap, VcpuState } from "./state.ts";
import { unreadable } from "./structure.ts";

/** Places in struct vcpu_guest_context (xen/include/public/arch-x86/xen.h), by width of the guest. */
const places = {
  32: {
    ...{ size: 2800, flags: 512, registers: 516, traps: 584, trapBytes: 8, ldt: 2632, gdt: 2640, gdtEntries: 2704 },
    ...{ stack: 2708, control: 2716, callbacks: 2780, bases: 0 },
  },
  64: {
    ...{ size: 5168, flags: 512, registers: 520, traps: 720, trapBytes: 16, ldt: 4816, gdt: 4832, gdtEntries: 4960 },
    ...{ stack: 4968, control: 4984, callbacks: 5112, bases: 5144 },
  },
} as const;

/** General registers by number, as struct cpu_user_regs has them in order; then what follows, by offset in it. */
const registers = {
  32: {
    general: [3, 1, 2, 6, 7, 5, 0],
    ...{ rip: 32, cs: 36, flags: 40, rsp: 44, ss: 48, es: 52, ds: 56, fs: 60, gs: 64 },
  },
  64: {
    general: [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7],
    ...{ rip: 128, cs: 136, flags: 144, rsp: 152, ss: 160, es: 168, ds: 176, fs: 184, gs: 192 },
  },
} as const;

const contextFlags = { floatingPoint: 1, inKernel: 4 } as const;
const mostTraps = 256;

/** What the guest wants a virtual CPU to begin with. */
class GuestContext {
  readonly bits: GuestBits;
  readonly #view: DataView;

  constructor(view: DataView, bits: GuestBits) {
    this.#view = view;
    this.bits = bits;
  }

  word(at: number): bigint {
    return this.bits === 64 ? this.#view.getBigUint64(at, true) : BigInt(this.#view.getUint32(at, true));
  }
  /** The `n`th of words that begin at a place. */
  nth(at: number, n: number): bigint {
    return this.word(at + (n * this.bits) / 8);
  }
  selector(at: number): number {
    return this.#view.getUint16(at, true);
  }
  get flags(): number {
    return this.#view.getUint32(places[this.bits].flags, true);
  }

  trap(vector: number): Trap | undefined {
    const { traps, trapBytes } = places[this.bits];
    const at = traps + vector * trapBytes;
    const address = this.address(this.word(at + trapBytes / 2));
    const flags = this.#view.getUint8(at + 1);
    const selector = guestCode(this.bits, this.selector(at + 2));
    return address === 0 ? undefined : { level: flags & 3, masksEvents: (flags & 4) !== 0, selector, address };
  }

  address(value: bigint): number {
    return this.bits === 64 ? signedNumber(value) : Number(value);
  }

  /** Machine frame of the page tables: of the kernel, or of user mode. */
  base(control: 1 | 3): number {
    const value = this.nth(places[this.bits].control, control);
    if (this.bits === 64) return Number(value >> 12n);
    // 32 bits hold a frame number with its low 20 bits above the high 12.
    return Number((value >> 12n) | ((value & 0xfffn) << 20n));
  }
}

const guestCode = (bits: GuestBits, selector: number): number =>
  bits === 32 && (selector & 3) === 0 ? selector | 1 : selector;

/** VCPUOP_initialise: a virtual CPU that has not begun gets the state that it is to begin with. */
export function initialise(call: Call, vcpu: number): Answer {
  const { domain } = call;
  const state = domain.stateOf(vcpu);
  if (state.isInitialised) return refused("EEXIST", `vCPU ${vcpu} has its state already`);
  const view = domain.access.read(call.address("arg"), places[domain.bits].size);
  if (!view) return unreadable(call.address("arg"));
  const context = new GuestContext(view, domain.bits);
  if ((context.flags & contextFlags.floatingPoint) !== 0)
    return refused("EOPNOTSUPP", "a state of the floating-point unit (VGCF_I387_VALID) is not supported");
  const invalid = takeFrames(domain, vcpu, context);
  if (invalid) return invalid;
  takeHandlers(state, context);
  state.kernelMode = domain.bits === 32 || (context.flags & contextFlags.inKernel) !== 0;
  state.start = startOf(context);
  state.isInitialised = true;
  state.timeDue = true;
  return 0;
}

/** Page tables and descriptor tables, of which each frame is checked. */
function takeFrames(domain: Domain, vcpu: number, context: GuestContext): Refused | undefined {
  const at = places[domain.bits];
  const state = domain.stateOf(vcpu);
  const taken: number[] = [];
  const take = (frame: number, type: Parameters<typeof domain.types.acquire>[1]): Refused | undefined => {
    const invalid = domain.types.acquire(frame, type);
    if (!invalid) taken.push(frame);
    return invalid;
  };
  const top = typeOfLevel(domain.bits === 64 ? 4 : 3);
  const entries = Number(context.word(at.gdtEntries));
  const ldtEntries = Number(context.nth(at.ldt, 1));
  const gdtFrames = Array.from({ length: Math.ceil(entries / 512) }, (_, n) => Number(context.nth(at.gdt, n)));
  const userBase = domain.bits === 64 ? context.base(1) : 0;
  let invalid =
    entries > guestGdtEntries || ldtEntries > mostLdtEntries
      ? refused("EINVAL", "there are more descriptors than a guest's tables hold")
      : take(context.base(3), top);
  if (!invalid && userBase !== 0) invalid = take(userBase, top);
  for (const frame of gdtFrames) invalid ??= take(frame, "descriptor table");
  if (invalid) {
    for (const frame of taken) domain.types.relinquish(frame);
    return invalid;
  }
  Object.assign(state, { kernelBase: context.base(3), userBase, gdtFrames });
  state.ldt = { base: context.address(context.word(at.ldt)), entries: ldtEntries, frames: {} };
  domain.tablesOf(vcpu).mapGdt(gdtFrames);
  const kernelStack = {
    selector: guestCode(domain.bits, Number(context.word(at.stack)) & 0xffff),
    pointer: context.address(context.nth(at.stack, 1)),
  };
  state.kernelStack = kernelStack;
  domain.tablesOf(vcpu).setKernelStack(kernelStack.selector, kernelStack.pointer);
  return undefined;
}

function takeHandlers(state: VcpuState, context: GuestContext): void {
  const at = places[context.bits];
  for (let vector = 0; vector < mostTraps; vector++) {
    const trap = context.trap(vector);
    if (trap) state.traps[vector] = trap;
  }
  const callback = (name: CallbackName, selector: number, n: number, masksEvents: boolean): void => {
    const address = context.address(context.nth(at.callbacks, n));
    if (address !== 0) state.callbacks[name] = { selector, address, masksEvents };
  };
  if (context.bits === 64) {
    for (const [n, name] of (["event", "failsafe", "syscall"] as const).entries())
      callback(name, selectors[64].kernelCode, n, name === "event");
    return;
  }
  const code = (n: number): number => guestCode(32, Number(context.nth(at.callbacks, n)) & 0xffff);
  callback("event", code(0), 1, true);
  callback("failsafe", code(2), 3, false);
}

/** Registers by name. */
function startOf(context: GuestContext): Record<string, string> {
  const { general, ...others } = registers[context.bits];
  const { registers: base, bases } = places[context.bits];
  const start: Record<string, string> = {};
  for (const [n, register] of general.entries()) start[`r${register}`] = context.nth(base, n).toString(16);
  for (const [name, at] of Object.entries(others))
    start[name] =
      name === "rip" || name === "flags" || name === "rsp"
        ? context.word(base + at).toString(16)
        : context.selector(base + at).toString(16);
  if (context.bits === 64)
    for (const [n, name] of ["fsBase", "gsBaseKernel", "gsBaseUser"].entries())
      start[name] = context.nth(bases, n).toString(16);
  return start;
}

const kept = 0xcd5;

/** The virtual CPU in the core begins with the state that it was given. False: the domain has crashed. */
export function beginVcpu(domain: Domain): boolean {
  const { cpu, state, bits } = domain;
  const { start } = state;
  const value = (name: string): bigint => BigInt(`0x${start![name] ?? "0"}`);
  const selector = (name: string): number => Number(value(name));
  state.start = null;
  loadSystemRegisters(domain);
  cpu.writeSegment(LDTR, domain.tables.ldtr(state.ldt.entries));
  const code = bits === 64 ? selector("cs") | 3 : guestCode(32, selector("cs"));
  const ring = code & 3;
  cpu.setCpl(ring);
  for (let register = 0; register < 16; register++) cpu.r64[register] = value(`r${register}`);
  cpu.r64[4] = value("rsp");
  cpu.activity = 0;
  cpu.attention = true;
  if (!loadSegment(domain, CS, code, ring) || !loadSegment(domain, SS, selector("ss") | (bits === 64 ? 3 : 1), ring)) {
    domain.crash("a virtual CPU was to begin with code or stack segments that are none of the guest's");
    return false;
  }
  for (const [segment, name] of [
    [ES, "es"],
    [DS, "ds"],
    [FS, "fs"],
    [GS, "gs"],
  ] as const)
    loadData(domain, segment, selector(name));
  if (bits === 64) {
    cpu.setSegment(FS, { ...cpu.segment(FS), base: signedNumber(value("fsBase")) });
    cpu.setSegment(GS, { ...cpu.segment(GS), base: signedNumber(value("gsBaseKernel")) });
    cpu.r64[layout.kernelGsBase >> 3] = value("gsBaseUser");
  }
  cpu.rip = bits === 64 ? signedNumber(value("rip")) : Number(value("rip"));
  cpu.flags = (Number(value("flags") & 0xffff_ffffn) & kept) | 0x202;
  cpu.refresh();
  return true;
}

/** A selector that the guest may not load becomes null. */
function loadData(domain: Domain, segment: number, selector: number): void {
  const { cpu } = domain;
  const found = (selector & 0xfffc) === 0 ? undefined : readDescriptor(cpu, selector);
  const usable = found !== undefined && isPresent(found) && isReadable(found) && dplOf(found) >= cpu.cpl;
  cpu.setSegment(segment, usable ? segmentFrom(selector, found) : nullSegment(0, cpu.cpl));
}
