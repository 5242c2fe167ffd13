import { setDebugRegister } from "../../cpu/debug-registers.ts";
import { layout } from "../../cpu/layout.ts";
import { CR0, FS, GS, unsigned64 } from "../../cpu/state.ts";
import { hex, holes, isRefused, type Refused, refused, selectors } from "./abi.ts";
import type { Answer, Call, Hypercall, Operations } from "./call.ts";
import type { Domain } from "./domain.ts";
import { returnFromTrap } from "./entry-frames.ts";
import { operate } from "./memory-op.ts";
import type { CallbackName, Trap } from "./state.ts";
import { Structure } from "./structure.ts";
import { vcpuOp, vcpuOperations } from "./vcpu-op.ts";

const mostTraps = 256;
const directVector = 0x80;

const isCanonical = (domain: Domain, address: number): boolean => domain.bits === 32 || domain.cpu.isCanonical(address);

/** A selector of a handler: at least the guest's own ring. */
const guestSelector = (domain: Domain, selector: number): number =>
  domain.bits === 32 && (selector & 3) === 0 ? selector | 1 : selector;

function setTrapTable(call: Call): Answer {
  const { domain } = call;
  const at = call.address("traps");
  if (at === 0) {
    domain.state.traps = {};
    domain.tables.setDirectTrap(undefined);
    return 0;
  }
  const fields = { vector: "u8", flags: "u8", cs: "u16", address: "word" } as const;
  for (let n = 0; n <= mostTraps; n++) {
    const entry = Structure.read(domain, fields, at, n);
    if (isRefused(entry)) return entry;
    const address = signed(domain, entry.values.address);
    if (address === 0) return 0;
    if (!isCanonical(domain, address))
      return refused("EINVAL", `the handler's address ${hex(address)} is not canonical`);
    const flags = entry.number("flags");
    const vector = entry.number("vector");
    const selector = guestSelector(domain, entry.number("cs"));
    const trap: Trap = { level: flags & 3, masksEvents: (flags & 4) !== 0, selector, address };
    domain.state.traps[vector] = trap;
    call.say(`${hex(vector)} → ${hex(address)}`);
    if (vector === directVector) setDirect(domain, trap);
  }
  return refused("EINVAL", "the table does not end within 257 entries");
}

/** 32-bit guests: system calls by INT 80h need not come by Xen, where user mode may make them and events stay as they are. */
function setDirect(domain: Domain, trap: Trap): void {
  if (domain.bits === 32) domain.tables.setDirectTrap(trap.level === 3 && !trap.masksEvents ? trap : undefined);
}

const signed = (domain: Domain, value: bigint): number =>
  domain.bits === 64 ? Number(BigInt.asIntN(64, value)) : Number(value);

function stackSwitch(call: Call): Answer {
  const { domain } = call;
  const selector = domain.bits === 32 ? guestSelector(domain, call.number("ss") & 0xffff) : call.number("ss") & 0xffff;
  domain.state.kernelStack = { selector, pointer: call.address("esp") };
  domain.tables.setKernelStack(selector, call.number("esp"));
  return 0;
}

function register(
  domain: Domain,
  name: CallbackName,
  selector: number,
  address: number,
  masksEvents: boolean,
): Refused | undefined {
  if (!isCanonical(domain, address)) return refused("EINVAL", `address ${hex(address)} is not canonical`);
  domain.state.callbacks[name] = { selector: guestSelector(domain, selector), address, masksEvents };
  return undefined;
}

function setCallbacks(call: Call): Answer {
  const { domain } = call;
  const selector = (name: string): number =>
    domain.bits === 32 ? call.number(name) & 0xffff : selectors[64].kernelCode;
  register(domain, "event", selector("event_selector"), call.address("event_address"), true);
  register(domain, "failsafe", selector("failsafe_selector"), call.address("failsafe_address"), false);
  if (domain.bits === 64) register(domain, "syscall", 0, call.address("syscall_address"), false);
  return 0;
}

const callbackTypes: Readonly<Record<number, { name: string; callback?: CallbackName }>> = {
  0: { name: "event", callback: "event" },
  1: { name: "failsafe", callback: "failsafe" },
  2: { name: "syscall", callback: "syscall" },
  3: { name: "sysenter" },
  4: { name: "nmi", callback: "nmi" },
  5: { name: "sysenter" },
  7: { name: "syscall32" },
};

function registerCallback(call: Call): Answer {
  const { domain } = call;
  const fields = { type: "u16", flags: "u16", first: "word", second: "word" } as const;
  const request = Structure.read(domain, fields, call.address("arg"));
  if (isRefused(request)) return request;
  const type = callbackTypes[request.number("type")];
  call.say(`type ${type?.name ?? request.number("type")}`);
  const is64 = domain.bits === 64;
  const name = is64 || type?.callback !== "syscall" ? type?.callback : undefined;
  if (!name) return refused("ENOSYS", `callbacks of type ${type?.name ?? request.number("type")} are not supported`);
  const selector = is64 ? selectors[64].kernelCode : request.number("first") & 0xffff;
  const address = signed(domain, is64 ? request.values.first : request.values.second);
  return register(domain, name, selector, address, (request.number("flags") & 1) !== 0) ?? 0;
}

function unregisterCallback(call: Call): Answer {
  const request = Structure.read(call.domain, { type: "u16", unused: "u16" }, call.address("arg"));
  if (isRefused(request)) return request;
  const type = callbackTypes[request.number("type")];
  if (type?.callback !== "nmi")
    return refused("EINVAL", `callbacks of type ${type?.name ?? request.number("type")} cannot be taken back`);
  delete call.domain.state.callbacks.nmi;
  return 0;
}

function taskswitch({ domain: { cpu }, number }: Call): Answer {
  const cr0 = cpu.r64[layout.cr0 >> 3]!;
  cpu.r64[layout.cr0 >> 3] = number("set") !== 0 ? cr0 | BigInt(CR0.TS) : cr0 & ~BigInt(CR0.TS);
  cpu.refresh();
  return 0;
}

/** Debug registers, but for breakpoints on Xen itself and general detection. */
export function writeDebugRegister(domain: Domain, number: number, value: bigint): Refused | undefined {
  const hole = holes[domain.bits];
  const address = signed(domain, value);
  if (number < 4 && address >= hole.start && address <= hole.end)
    return refused("EPERM", `${hex(address)} is in Xen's part of the addresses`);
  if (number < 4 && !isCanonical(domain, address)) return refused("EINVAL", `${hex(address)} is not canonical`);
  if (number > 7 || number === 4 || number === 5)
    return refused("EINVAL", `there is no debug register ${number} to set`);
  if (number >= 6 && value >> 32n !== 0n) return refused("EPERM", "bits 63:32 must be 0");
  const generalDetect = 1n << 13n;
  setDebugRegister(domain.cpu, number, number === 7 ? value & ~generalDetect : value);
  return undefined;
}

const segmentNames = ["FS", "GS_USER", "GS_KERNEL", "GS_USER_SEL"] as const;

function setSegmentBase(call: Call): Answer {
  const { domain } = call;
  if (domain.bits === 32) return refused("ENOSYS", "32-bit guests have segment bases in descriptors");
  const which = segmentNames[call.number("which")];
  const base = call.address("base");
  call.say(which ?? `segment ${call.number("which")}`);
  if (!isCanonical(domain, base)) return refused("EINVAL", `base ${hex(base)} is not canonical`);
  const { cpu } = domain;
  if (which === "GS_USER") cpu.r64[layout.kernelGsBase >> 3] = unsigned64(base);
  else if (which === "FS" || which === "GS_KERNEL") {
    const segment = which === "FS" ? FS : GS;
    cpu.setSegment(segment, { ...cpu.segment(segment), base });
  } else return refused("EINVAL", `${which ?? "that"} cannot be set here: load the selector, then set the base`);
  return 0;
}

function iret({ domain }: Call): Answer {
  return returnFromTrap(domain) === undefined ? undefined : "resumed";
}

const nmiOperations: Operations = {
  0: {
    name: "register_callback",
    handler(call) {
      const request = Structure.read(call.domain, { handler: "word", pad: "word" }, call.address("arg"));
      if (isRefused(request)) return request;
      const { domain } = call;
      return (
        register(domain, "nmi", selectors[domain.bits].kernelCode, signed(domain, request.values.handler), true) ?? 0
      );
    },
  },
  1: {
    name: "unregister_callback",
    handler({ domain }) {
      delete domain.state.callbacks.nmi;
      return 0;
    },
  },
};

const physicalDeviceOperations: Operations = {
  6: {
    name: "set_iopl",
    handler(call) {
      const request = Structure.read(call.domain, { iopl: "u32" }, call.address("arg"));
      if (isRefused(request)) return request;
      const iopl = request.number("iopl");
      if (iopl > 3) return refused("EINVAL", `there is no IOPL ${iopl}`);
      call.say(`iopl = ${iopl}`);
      call.domain.state.iopl = iopl;
      return 0;
    },
  },
  7: { name: "set_iobitmap" },
};

const callbackOperations: Operations = {
  0: { name: "register", handler: registerCallback },
  1: { name: "unregister", handler: unregisterCallback },
};

/** Operations of this file's hypercalls, for the documentation. */
export const processorOperations = {
  vcpu_op: vcpuOperations,
  callback_op: callbackOperations,
  nmi_op: nmiOperations,
  physdev_op: physicalDeviceOperations,
} as const;

export const processorCalls: readonly Hypercall[] = [
  {
    number: 0,
    name: "set_trap_table",
    arguments: ["traps"],
    doc: "Sets handlers of exceptions and software interrupts; 0 forgets them all.",
    handler: setTrapTable,
  },
  {
    number: 3,
    name: "stack_switch",
    arguments: ["ss", "esp"],
    doc: "The kernel stack for entries from user mode.",
    handler: stackSwitch,
  },
  {
    number: 4,
    name: "set_callbacks",
    arguments: ["event_address", "failsafe_address", "syscall_address"],
    arguments32: ["event_selector", "event_address", "failsafe_selector", "failsafe_address"],
    doc: "Where events (and failed returns, and system calls) are handled.",
    handler: setCallbacks,
  },
  {
    number: 5,
    name: "fpu_taskswitch",
    arguments: ["set"],
    doc: "Sets or clears CR0.TS.",
    handler: taskswitch,
  },
  {
    number: 8,
    name: "set_debugreg",
    arguments: ["reg", "value"],
    doc: "Sets a debug register.",
    handler: (call) => writeDebugRegister(call.domain, call.number("reg"), call.arg("value")) ?? 0,
  },
  {
    number: 9,
    name: "get_debugreg",
    arguments: ["reg"],
    doc: "Reads a debug register.",
    handler: ({ domain, number }) =>
      number("reg") < 8
        ? domain.cpu.r64[(layout.debug >> 3) + number("reg")]!
        : refused("EINVAL", `there is no debug register ${number("reg")}`),
  },
  {
    number: 23,
    name: "iret",
    arguments: [],
    doc: "Returns from an exception, upcall or system call by the frame on the stack.",
    handler: iret,
  },
  {
    number: 24,
    name: "vcpu_op",
    arguments: ["cmd", "vcpuid", "arg"],
    doc: "Gives a vCPU its first state, brings it up and takes it down; its timers, vcpu_info and run states.",
    handler: vcpuOp,
  },
  {
    number: 25,
    name: "set_segment_base",
    arguments: ["which", "base"],
    doc: "Sets the base of FS or GS (64-bit guests).",
    handler: setSegmentBase,
  },
  {
    number: 28,
    name: "nmi_op",
    arguments: ["cmd", "arg"],
    doc: "Sets the handler of NMIs.",
    handler: (call) => operate(call, "nmi_op", nmiOperations),
  },
  {
    number: 30,
    name: "callback_op",
    arguments: ["cmd", "arg"],
    doc: "Sets one callback.",
    handler: (call) => operate(call, "callback_op", callbackOperations),
  },
  {
    number: 33,
    name: "physdev_op",
    arguments: ["cmd", "arg"],
    doc: "Sets the guest's IOPL, a number that Xen keeps.",
    handler: (call) => operate(call, "physdev_op", physicalDeviceOperations),
  },
];
