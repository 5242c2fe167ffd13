import { flagMask } from "../../../isa/flags.ts";
import { dplOf, isCode, isPresent, isWritableData, nullSegment, segmentFrom } from "../../cpu/descriptor.ts";
import { isFault, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import { readDescriptor } from "../../cpu/segmentation.ts";
import { CS, SS, signedNumber, unsigned64 } from "../../cpu/state.ts";
import { hex, selectors } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { bytesOf } from "./guest-access.ts";
import type { Trap } from "./state.ts";

const [RAX, RCX, RSP, R11] = [0, 1, 4, 11] as const;
const IF = flagMask("IF");
const VM = flagMask("VM");
const RF = flagMask("RF");
const cleared = VM | RF | flagMask("NT") | flagMask("TF");
const IOPL = flagMask("IOPL");
const userFault = 4;

/** How a guest's kernel is entered: its code, and whether its events are masked. */
interface Entry {
  readonly selector: number;
  readonly address: number;
  readonly masksEvents: boolean;
  readonly errorCode?: number | undefined;
}

/** Loads a segment register for the guest; false where the processor would refuse it at the guest's level. */
export function loadSegment(domain: Domain, segment: number, selector: number, cpl: number): boolean {
  const { cpu } = domain;
  if (segment === SS && domain.bits === 64 && (selector & 0xfffc) === 0) {
    cpu.setSegment(SS, nullSegment(selector, cpl));
    return true;
  }
  try {
    const found = readDescriptor(cpu, selector);
    const fits = segment === CS ? found && isCode(found) : found && isWritableData(found);
    if (!found || !fits || !isPresent(found) || dplOf(found) !== cpl) return false;
    cpu.setSegment(segment, segmentFrom((selector & ~3) | cpl, found));
    return true;
  } catch (thrown) {
    if (isFault(thrown)) return false;
    throw thrown;
  }
}

/** Enters the guest's kernel as an exception or upcall does. False: the domain has crashed. */
export function bounce(domain: Domain, entry: Entry): boolean {
  const done = domain.bits === 64 ? bounce64(domain, entry) : bounce32(domain, entry);
  if (!done) return false;
  domain.cpu.flags = (domain.cpu.flags & ~cleared) | IF;
  if (entry.masksEvents) domain.upcallMasked = true;
  domain.cpu.rip = entry.address;
  return true;
}

/** What the guest finds as its interrupt flag in the frame: whether upcalls were let through. */
const framedFlags = (domain: Domain): bigint =>
  BigInt((domain.cpu.flags & ~IF) | (domain.upcallMasked ? 0 : IF)) & 0xffff_ffffn;

function push(domain: Domain, linear: number, words: readonly bigint[], bytes: number): boolean {
  const data = words.flatMap((word) => [...bytesOf(word, bytes)]);
  if (domain.access.write(linear, Uint8Array.from(data))) return true;
  domain.crash(`its kernel stack at ${hex(linear)} cannot be written, so Xen could not enter its kernel`);
  return false;
}

function bounce32(domain: Domain, { selector, address, errorCode }: Entry): boolean {
  const { cpu, state } = domain;
  const fromKernel = cpu.cpl === 1;
  const flags = framedFlags(domain);
  const code = BigInt(cpu.selector(CS)) | (domain.upcallMasked ? 0x1_0000n : 0n);
  const outer = fromKernel ? [] : [BigInt(cpu.u32[RSP * 2]!), BigInt(cpu.selector(SS))];
  const words = [...(errorCode === undefined ? [] : [BigInt(errorCode)]), BigInt(cpu.rip >>> 0), code, flags, ...outer];
  let pointer = cpu.u32[RSP * 2]!;
  if (!fromKernel) {
    pointer = state.kernelStack.pointer;
    if (!loadSegment(domain, SS, state.kernelStack.selector, 1))
      return crashed(
        domain,
        `the stack segment ${hex(state.kernelStack.selector)} of stack_switch is not one of ring 1`,
      );
  }
  const top = (pointer - 4 * words.length) >>> 0;
  if (!push(domain, (cpu.segment(SS).base + top) >>> 0, words, 4)) return false;
  if (!loadSegment(domain, CS, selector, 1))
    return crashed(domain, `the code segment ${hex(selector)} of its handler at ${hex(address)} is not one of ring 1`);
  cpu.u32[RSP * 2] = top;
  cpu.setCpl(1);
  return true;
}

function crashed(domain: Domain, why: string): false {
  domain.crash(why);
  return false;
}

function bounce64(domain: Domain, { errorCode }: Entry): boolean {
  const { cpu, state } = domain;
  const fromKernel = state.kernelMode;
  const flags = framedFlags(domain);
  // RPL 0 tells the guest that it was its kernel that was interrupted.
  const selector = fromKernel ? cpu.selector(CS) & ~3 : cpu.selector(CS);
  const code = BigInt(selector) | (domain.upcallMasked ? 1n << 32n : 0n);
  const words = [
    cpu.r64[RCX]!,
    cpu.r64[R11]!,
    ...(errorCode === undefined ? [] : [BigInt(errorCode)]),
    unsigned64(cpu.rip),
    code,
    flags,
    cpu.r64[RSP]!,
    BigInt(cpu.selector(SS)),
  ];
  if (!fromKernel) domain.toggleMode();
  const pointer = fromKernel ? signedNumber(cpu.r64[RSP]!) : state.kernelStack.pointer;
  const top = pointer - (((pointer % 16) + 16) % 16) - 8 * words.length;
  if (!push(domain, top, words, 8)) return false;
  cpu.r64[RSP] = unsigned64(top);
  loadSegment(domain, SS, selectors[64].kernelStack, 3);
  loadSegment(domain, CS, selectors[64].kernelCode, 3);
  return true;
}

/** An exception or software interrupt for the guest. */
interface TrapEvent {
  readonly vector: number;
  readonly errorCode: number | undefined;
  readonly address?: bigint;
  /** The saved flags have RF set: the instruction is to be executed again. */
  readonly resume?: boolean;
}

/** Passes an exception or software interrupt on to the guest's handler. What was done, or undefined: the domain has crashed. */
export function deliverTrap(domain: Domain, { vector, errorCode, address, resume }: TrapEvent): string | undefined {
  const name = vectorName(vector);
  const trap: Trap | undefined = domain.state.traps[vector];
  const { cpu, context } = domain;
  if (!trap)
    return domain.crash(`there was ${name} at ${hex(cpu.rip)}, and it has set no handler for it (set_trap_table)`);
  const isPageFault = vector === 14;
  const code =
    isPageFault && errorCode !== undefined ? (errorCode & ~userFault) | (domain.inKernel ? 0 : userFault) : errorCode;
  if (isPageFault && address !== undefined) setFaultAddress(domain, address);
  if (resume) cpu.eflags |= RF;
  context.record({ kind: "inject", vector, name, ...(code === undefined ? {} : { errorCode: code }) });
  return bounce(domain, { ...trap, errorCode: code }) ? `passed ${name} to the guest's handler` : undefined;
}

/** CR2 as the guest finds it: in vcpu_info. */
export function setFaultAddress(domain: Domain, address: bigint): void {
  domain.cpu.r64[layout.cr2 >> 3] = address;
  domain.writeBytes(domain.state.vcpuInfo + domain.shared.cr2, bytesOf(address, domain.bits / 8));
}

/** The iret hypercall: what it returned to, or undefined if the domain has crashed. */
export function returnFromTrap(domain: Domain): string | undefined {
  return domain.bits === 64 ? return64(domain) : return32(domain);
}

const kept = IOPL | VM;

function return64(domain: Domain): string | undefined {
  const { cpu, access } = domain;
  const frame = access.read(signedNumber(cpu.r64[RSP]!), 9 * 8);
  if (!frame) return domain.crash("the frame of its iret cannot be read");
  const word = (n: number): bigint => frame.getBigUint64(8 * n, true);
  const [rax, r11, rcx, flags, rip, cs, rflags, rsp, ss] = [0, 1, 2, 3, 4, 5, 6, 7, 8].map(word) as [
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  if ((cs & 3n) === 3n) {
    if (domain.state.userBase === 0)
      return domain.crash("it returned to user mode, for which it has no page tables (new_user_baseptr)");
    domain.toggleMode();
  }
  if (!cpu.isCanonical(signedNumber(rip))) return domain.crash(`it returned to ${hex(rip)}, which is not canonical`);
  const code = (Number(cs) & 0xffff) | 3;
  const stack = (Number(ss) & 0xffff) | 3;
  if (!loadSegment(domain, CS, code, 3) || !loadSegment(domain, SS, stack, 3))
    return domain.crash(`it returned to the segments ${hex(code)} and ${hex(stack)}, which are none of ring 3`);
  const inSyscall = 0x100n;
  if ((flags & inSyscall) === 0n) {
    cpu.r64[R11] = r11;
    cpu.r64[RCX] = rcx;
  }
  cpu.r64[RAX] = rax;
  cpu.r64[RSP] = rsp;
  return resumeAt(domain, signedNumber(rip), Number(rflags & 0xffff_ffffn));
}

function resumeAt(domain: Domain, rip: number, flags: number): string {
  domain.cpu.rip = rip;
  domain.cpu.flags = (flags & ~kept) | IF;
  domain.upcallMasked = (flags & IF) === 0;
  return `returned to ${domain.inKernel ? "the guest's kernel" : "user mode"} at ${hex(rip)}`;
}

function return32(domain: Domain): string | undefined {
  const { cpu, access } = domain;
  const pointer = cpu.u32[RSP * 2]!;
  const linear = (cpu.segment(SS).base + pointer) >>> 0;
  const inner = access.read(linear, 16);
  if (!inner) return domain.crash("the frame of its iret cannot be read");
  const [eax, eip, cs, flags] = [0, 4, 8, 12].map((at) => inner.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  if ((flags & VM) !== 0) return domain.crash("it returned to virtual-8086 mode, which paravirtual guests have not");
  const ring = cs & 3;
  if (ring === 0) return domain.crash("it returned to ring 0");
  const outer = ring === 1 ? undefined : access.read(linear + 16, 8);
  if (ring !== 1 && !outer) return domain.crash("the frame of its iret cannot be read");
  const esp = outer ? outer.getUint32(0, true) : (pointer + 16) >>> 0;
  const ss = outer ? outer.getUint32(4, true) & 0xffff : cpu.selector(SS);
  if (!loadSegment(domain, CS, cs & 0xffff, ring) || !loadSegment(domain, SS, ss, ring))
    return domain.crash(
      `it returned to the segments ${hex(cs & 0xffff)} and ${hex(ss)}, which are none of ring ${ring}`,
    );
  cpu.r64[RAX] = BigInt(eax);
  cpu.r64[RSP] = BigInt(esp);
  cpu.setCpl(ring);
  if (ring > 1) dropInnerSegments(domain, ring);
  return resumeAt(domain, eip, flags);
}

/** As the processor does at a return to an outer ring: data segments that the ring may not have become null. */
function dropInnerSegments(domain: Domain, ring: number): void {
  const { cpu } = domain;
  for (const segment of [0, 3, 4, 5]) {
    const { access } = cpu.segment(segment);
    if (((access >> 5) & 3) < ring) cpu.setSegment(segment, nullSegment(0));
  }
}
