import { flagMask } from "../../../isa/flags.ts";
import type { Decoded, Operand } from "../../../isa/operands.ts";
import { cpuidLeaf, identityOf } from "../../cpu/cpuid.ts";
import { isFault, vector } from "../../cpu/fault.ts";
import { timeStamp } from "../../cpu/interrupts.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { readMsr, writeMsr } from "../../cpu/msr.ts";
import { CR0, CR4 } from "../../cpu/state.ts";
import { word } from "../text-word.ts";
import { isRefused, pageBytes } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { setFaultAddress } from "./entry-frames.ts";
import { writeHypercallPage } from "./hypercall-page.ts";
import { assists, hasAssist } from "./memory-calls.ts";
import { setKernelBase } from "./mmuext-op.ts";
import { writeDebugRegister } from "./processor-calls.ts";

const [RAX, RCX, RDX, RBX] = [0, 1, 2, 3] as const;
const allPrivileges = flagMask("IOPL");

/** What an emulation did, or undefined: it is none of those that Xen emulates, or the guest may not do it. */
type Emulation = (domain: Domain, decoded: Decoded) => string | undefined;

/** The guest's IOPL against the level that its code counts as: kernels count as ring 1 unless architectural_iopl is on. */
function ioplAllows(domain: Domain): boolean {
  const level = domain.inKernel ? (hasAssist(domain, assists.architecturalIopl) ? 0 : 1) : 3;
  return level <= domain.state.iopl;
}

/** Ports that are Xen's: interrupt controllers, interval timer, its own serial port, and DMA, which knows no page types. */
const xensPorts = [
  [0x00, 0x0f],
  [0x20, 0x21],
  [0x40, 0x43],
  [0x80, 0x8f],
  [0xa0, 0xa1],
  [0xc0, 0xdf],
  [0x3f8, 0x3ff],
] as const;
const isXens = (port: number, bytes: number): boolean =>
  xensPorts.some(([first, last]) => port <= last && port + bytes > first);

function portOf({ cpu }: Domain, { operands }: Decoded): number {
  for (const operand of operands) if (operand.kind === "immediate") return Number(operand.value) & 0xff;
  return cpu.r16[RDX * 4]!;
}

/** Bytes that an instruction moves: by its accumulator, or by the last letter of a string instruction. */
function portBytes({ row, operands }: Decoded): number {
  const accumulator = operands.find((operand) => operand.kind === "register" && operand.number === RAX);
  if (accumulator?.kind === "register") return accumulator.width / 8;
  return { b: 1, w: 2 }[row.mnemonic.slice(-1)] ?? 4;
}

/** With IOPL 3 for as long as it takes, the processor itself does what the guest may do, with the guest's rights to memory. */
const port: Emulation = (domain, decoded) => {
  if (!ioplAllows(domain)) return undefined;
  const name = decoded.row.mnemonic;
  const { cpu, context } = domain;
  if (isXens(portOf(domain, decoded), portBytes(decoded))) return denied(domain, decoded);
  const start = cpu.rip;
  const before = cpu.eflags & allPrivileges;
  cpu.eflags |= allPrivileges;
  try {
    do context.interpret();
    while (decoded.repeat !== "none" && cpu.rip === start);
  } finally {
    cpu.eflags = (cpu.eflags & ~allPrivileges) | before;
  }
  return `made the ${name.toUpperCase()}, as the guest's IOPL allows`;
};

/** Reads of Xen's ports give ones, writes do nothing; string instructions are not emulated for them. */
function denied(domain: Domain, { row, operands, length }: Decoded): string | undefined {
  const { cpu } = domain;
  const accumulator = operands.find((operand) => operand.kind === "register" && operand.number === RAX);
  if (accumulator?.kind !== "register") return undefined;
  const { width } = accumulator;
  if (row.mnemonic === "in") {
    if (width === 32) cpu.r64[RAX] = 0xffff_ffffn;
    else if (width === 16) cpu.r16[RAX] = 0xffff;
    else cpu.r8[RAX] = 0xff;
  }
  cpu.rip = cpu.sequential(length);
  return `the port is Xen's: ${row.mnemonic === "in" ? "it reads as ones" : "nothing is written"}`;
}

/** Ends an emulation that has set the registers. */
function done({ cpu }: Domain, { length }: Decoded, what: string): string {
  cpu.rip = cpu.sequential(length);
  return what;
}

/** True to Xen: it lets them pass and does nothing. A guest masks its events in vcpu_info. */
const interruptFlag: Emulation = (domain, decoded) =>
  ioplAllows(domain)
    ? done(
        domain,
        decoded,
        `let ${decoded.row.mnemonic.toUpperCase()} do nothing: the guest masks events by evtchn_upcall_mask`,
      )
    : undefined;

/** Instructions that only the guest's kernel may use. */
const kernels =
  (act: Emulation): Emulation =>
  (domain, decoded) =>
    domain.inKernel ? act(domain, decoded) : undefined;

const clts = kernels((domain, decoded) => {
  domain.cpu.r64[layout.cr0 >> 3]! &= ~BigInt(CR0.TS);
  domain.cpu.refresh();
  return done(domain, decoded, "cleared CR0.TS");
});

const caches = kernels((domain, decoded) => done(domain, decoded, "nothing to do: memory holds all that caches do"));

type RegisterOperand = Operand & { readonly kind: "register" };
const registerOf = (
  { operands }: Decoded,
  kind: string,
): { register: RegisterOperand; isTarget: boolean } | undefined => {
  const at = operands.findIndex((operand) => operand.kind === "register" && operand.class === kind);
  const register = operands[at];
  return register?.kind === "register" ? { register, isTarget: at === 0 } : undefined;
};
const general = (decoded: Decoded): number => registerOf(decoded, "general")!.register.number;

const move = kernels((domain, decoded) => {
  const control = registerOf(decoded, "control");
  const debug = registerOf(decoded, "debug");
  const special = control ?? debug;
  if (!special) return undefined;
  const { cpu, bits } = domain;
  const { number } = special.register;
  if (special.isTarget) {
    const value = BigInt.asUintN(bits, cpu.r64[general(decoded)]!);
    const said = control ? writeControl(domain, number, value) : setDebug(domain, number, value);
    return said && done(domain, decoded, said);
  }
  const value = control ? readControl(domain, number) : cpu.r64[(layout.debug >> 3) + number];
  if (value === undefined) return undefined;
  cpu.r64[general(decoded)] = BigInt.asUintN(bits, value);
  return done(domain, decoded, `read ${control ? "CR" : "DR"}${number}`);
});

function setDebug(domain: Domain, number: number, value: bigint): string | undefined {
  return isRefused(writeDebugRegister(domain, number, value)) ? undefined : `set DR${number}`;
}

function readControl({ cpu, state }: Domain, number: number): bigint | undefined {
  if (number === 0) return cpu.r64[layout.cr0 >> 3];
  if (number === 2) return cpu.r64[layout.cr2 >> 3];
  if (number === 3) return BigInt(state.kernelBase) * BigInt(pageBytes);
  return number === 4 ? cpu.r64[layout.cr4 >> 3] : undefined;
}

const guestCr4 = (domain: Domain): bigint => BigInt(CR4.TSD | CR4.DE | (domain.bits === 64 ? CR4.FSGSBASE : 0));

function writeControl(domain: Domain, number: number, value: bigint): string | undefined {
  const { cpu } = domain;
  if (number === 0) {
    const old = cpu.r64[layout.cr0 >> 3]!;
    if (((value ^ old) & ~BigInt(CR0.TS)) !== 0n) return undefined;
    cpu.r64[layout.cr0 >> 3] = value;
    cpu.refresh();
    return "set CR0.TS, the only bit of CR0 that is the guest's";
  }
  if (number === 2) {
    setFaultAddress(domain, value);
    return "set the guest's CR2";
  }
  if (number === 3)
    return isRefused(setKernelBase(domain, Number(value >> 12n)))
      ? undefined
      : "made the frame the base of the page tables";
  if (number !== 4) return undefined;
  const own = guestCr4(domain);
  const old = cpu.r64[layout.cr4 >> 3]!;
  cpu.r64[layout.cr4 >> 3] = (old & ~own) | (value & own);
  cpu.refresh();
  return "set what of CR4 is the guest's; the rest stays";
}

const hypercallMsr = 0x4000_0000;
/** Registers of the guest's own (64-bit): bases of FS and GS. */
const ownMsrs: ReadonlySet<number> = new Set([0xc000_0100, 0xc000_0101, 0xc000_0102]);

const setPair = (domain: Domain, value: bigint): void => {
  domain.cpu.r64[RAX] = value & 0xffff_ffffn;
  domain.cpu.r64[RDX] = value >> 32n;
};

const rdmsr = kernels((domain, decoded) => {
  const number = domain.cpu.u32[RCX * 2]!;
  setPair(domain, number === hypercallMsr ? 0n : readMsr(domain.cpu, number));
  return done(domain, decoded, "read the register");
});

const wrmsr = kernels((domain, decoded) => {
  const { cpu, frames } = domain;
  const number = cpu.u32[RCX * 2]!;
  const value = (BigInt(cpu.u32[RDX * 2]!) << 32n) | BigInt(cpu.u32[RAX * 2]!);
  if (number === hypercallMsr) {
    const frame = Number(value >> 12n);
    const own =
      frames.exists(frame) && frames.isAllocated(frame) && domain.types.acquire(frame, "writable") === undefined;
    if (!own) return undefined;
    writeHypercallPage(domain, frame);
    domain.types.relinquish(frame);
    return done(domain, decoded, "wrote the hypercall page");
  }
  readMsr(cpu, number);
  if (domain.bits === 64 && ownMsrs.has(number)) {
    writeMsr(cpu, number, value);
    return done(domain, decoded, "set the base");
  }
  return done(domain, decoded, "dropped the write: the register is Xen's");
});

const rdtsc = kernels((domain, decoded) => {
  setPair(domain, timeStamp(domain.cpu));
  return done(domain, decoded, "read the time-stamp counter");
});

/** By mnemonic; all else that needs CPL 0 is the guest's fault. */
const emulations: Readonly<Record<string, Emulation>> = {
  ...Object.fromEntries(["in", "out", "insb", "insw", "insd", "outsb", "outsw", "outsd"].map((name) => [name, port])),
  cli: interruptFlag,
  sti: interruptFlag,
  clts,
  invd: caches,
  wbinvd: caches,
  mov: move,
  rdmsr,
  wrmsr,
  rdtsc,
};

/**
 * Emulates a privileged instruction as Xen does: what it did; another fault that it met, for string instructions touch memory; or
 * undefined: the #GP is the guest's.
 */
export function emulatePrivileged(domain: Domain, decoded: Decoded): string | Fault | undefined {
  try {
    return emulations[decoded.row.mnemonic]?.(domain, decoded);
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return thrown.vector === vector.GP ? undefined : thrown;
  }
}

/** The prefix that asks for emulation, UD2 and "xen", in front of CPUID. */
const forcedCpuid = [0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2];

/** CPUID as Xen answers it, where the guest asks for that; undefined at any other #UD. */
export function emulateForced(domain: Domain): string | undefined {
  const { cpu } = domain;
  try {
    for (const [n, byte] of forcedCpuid.entries()) if (cpu.fetch8(cpu.rip + n) !== byte) return undefined;
  } catch (thrown) {
    if (isFault(thrown)) return undefined;
    throw thrown;
  }
  const leaf = cpu.u32[RAX * 2]!;
  const { eax, ebx, ecx, edx } = xenLeaf(leaf) ?? machineLeaf(domain, leaf);
  for (const [register, value] of [
    [RAX, eax],
    [RBX, ebx],
    [RCX, ecx],
    [RDX, edx],
  ] as const)
    cpu.r64[register] = BigInt(value >>> 0);
  cpu.rip = cpu.sequential(forcedCpuid.length);
  return "answered CPUID as Xen's";
}

const versionLeaf = (4 << 16) | 17;

function xenLeaf(leaf: number): { eax: number; ebx: number; ecx: number; edx: number } | undefined {
  if (leaf === 0x4000_0000) return { eax: 0x4000_0002, ebx: word("XenV"), ecx: word("MMXe"), edx: word("nVMM") };
  if (leaf === 0x4000_0001) return { eax: versionLeaf, ebx: 0, ecx: 0, edx: 0 };
  const preservesAccessedDirty = 1;
  if (leaf === 0x4000_0002) return { eax: 1, ebx: hypercallMsr, ecx: preservesAccessedDirty, edx: 0 };
  return undefined;
}

/** Features of leaf 1 that a paravirtual guest cannot use: PSE, MTRR, PGE; VMX and PCID. A hypervisor is there. */
const hidden = { edx: (1 << 3) | (1 << 12) | (1 << 13), ecx: (1 << 5) | (1 << 17) } as const;
const hypervisorPresent = 0x8000_0000;

function machineLeaf({ cpu, bits }: Domain, leaf: number): { eax: number; ebx: number; ecx: number; edx: number } {
  const found = cpuidLeaf(leaf, cpu.u32[RCX * 2]!, identityOf(cpu, bits === 64));
  if (leaf !== 1) return found;
  return { ...found, ecx: (found.ecx & ~hidden.ecx) | hypervisorPresent, edx: found.edx & ~hidden.edx };
}
