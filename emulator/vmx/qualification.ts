import type { ExitNumbers, Field } from "../trace/event.ts";
import { type BitField, type BitLayout, bitsOf, choice, decode, encode, hex, yesNo } from "./bit-layout.ts";

/** General registers as exit qualifications number them. */
export const generalNames = ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"].concat(
  Array.from({ length: 8 }, (_, n) => `R${n + 8}`),
);
const general = (value: bigint): string => generalNames[Number(value)]!;

const crAccess: BitLayout = [
  { key: "register", high: 3, low: 0, name: "Control register", text: (v) => `CR${v}` },
  {
    key: "type",
    high: 5,
    low: 4,
    name: "Access type",
    text: choice({ 0: "MOV to CR", 1: "MOV from CR", 2: "CLTS", 3: "LMSW" }),
  },
  {
    key: "memory",
    high: 6,
    low: 6,
    name: "LMSW operand type",
    text: choice({ 0: "register", 1: "memory" }),
    when: (w) => bitsOf(w, 5, 4) === 3n,
  },
  {
    key: "general",
    high: 11,
    low: 8,
    name: "General register",
    text: general,
    when: (w) => bitsOf(w, 5, 4) < 2n,
  },
  {
    key: "source",
    high: 31,
    low: 16,
    name: "LMSW source data",
    text: hex,
    when: (w) => bitsOf(w, 5, 4) === 3n,
  },
];

const drAccess: BitLayout = [
  { key: "register", high: 2, low: 0, name: "Debug register", text: (v) => `DR${v}` },
  { key: "from", high: 4, low: 4, name: "Direction", text: choice({ 0: "MOV to DR", 1: "MOV from DR" }) },
  { key: "general", high: 11, low: 8, name: "General register", text: general },
];

const io: BitLayout = [
  { key: "size", high: 2, low: 0, name: "Size", text: choice({ 0: "1 byte", 1: "2 bytes", 3: "4 bytes" }) },
  { key: "in", high: 3, low: 3, name: "Direction", text: choice({ 0: "OUT", 1: "IN" }) },
  { key: "string", high: 4, low: 4, name: "String instruction", text: yesNo },
  { key: "rep", high: 5, low: 5, name: "REP prefix", text: yesNo },
  { key: "immediate", high: 6, low: 6, name: "Operand encoding", text: choice({ 0: "DX", 1: "immediate" }) },
  { key: "port", high: 31, low: 16, name: "Port", text: hex },
];

const nmiUnblocking: BitField = {
  key: "nmiUnblocking",
  high: 12,
  low: 12,
  name: "NMI unblocking due to IRET",
  text: yesNo,
};

export const eptViolation: BitLayout = [
  { key: "read", high: 0, low: 0, name: "Data read", text: yesNo },
  { key: "write", high: 1, low: 1, name: "Data write", text: yesNo },
  { key: "fetch", high: 2, low: 2, name: "Instruction fetch", text: yesNo },
  { key: "readable", high: 3, low: 3, name: "Readable in EPT", text: yesNo },
  { key: "writable", high: 4, low: 4, name: "Writable in EPT", text: yesNo },
  { key: "executable", high: 5, low: 5, name: "Executable in EPT", text: yesNo },
  { key: "linearValid", high: 7, low: 7, name: "Guest-linear address valid", text: yesNo },
  {
    key: "final",
    high: 8,
    low: 8,
    name: "Access was to",
    text: choice({ 0: "a guest paging structure", 1: "the translation of the linear address" }),
    when: (w) => bitsOf(w, 7, 7) === 1n,
  },
  nmiUnblocking,
];

const taskSwitch: BitLayout = [
  { key: "selector", high: 15, low: 0, name: "TSS selector", text: hex },
  {
    key: "source",
    high: 31,
    low: 30,
    name: "Source",
    text: choice({ 0: "CALL", 1: "IRET", 2: "JMP", 3: "task gate in the IDT" }),
  },
];

const apicAccess: BitLayout = [
  { key: "offset", high: 11, low: 0, name: "Offset in the APIC page", text: hex },
  {
    key: "type",
    high: 15,
    low: 12,
    name: "Access type",
    text: choice({ 0: "read", 1: "write", 2: "instruction fetch", 3: "during event delivery" }),
  },
];

const entryFailure: BitLayout = [
  {
    key: "cause",
    high: 63,
    low: 0,
    name: "Cause",
    text: choice({ 0: "a guest-state check", 2: "PDPTEs", 3: "NMI injection", 4: "VMCS link pointer" }),
  },
];

const whole = (key: string, name: string): BitLayout => [{ key, high: 63, low: 0, name, text: hex }];
const vector: BitLayout = [{ key: "vector", high: 7, low: 0, name: "Vector", text: hex }];
const displacement = whole("displacement", "Displacement");

/** Exit qualification by exit reason (SDM Vol. 3, 28.2.1). A reason that is not here has none: the field is 0. */
const layouts: Readonly<Record<string, BitLayout>> = {
  SIPI: vector,
  TASK_SWITCH: taskSwitch,
  INVLPG: whole("address", "Linear address"),
  VMCLEAR: displacement,
  VMPTRLD: displacement,
  VMPTRST: displacement,
  VMREAD: displacement,
  VMWRITE: displacement,
  VMXON: displacement,
  CR_ACCESS: crAccess,
  DR_ACCESS: drAccess,
  IO_INSTRUCTION: io,
  VMENTRY_FAILURE_GUEST_STATE: entryFailure,
  VMENTRY_FAILURE_MSR: whole("entry", "MSR-load entry, counted from 1"),
  MWAIT: [{ key: "armed", high: 0, low: 0, name: "Address-range monitor armed", text: yesNo }],
  APIC_ACCESS: apicAccess,
  VIRTUALIZED_EOI: vector,
  GDTR_IDTR_ACCESS: displacement,
  LDTR_TR_ACCESS: displacement,
  EPT_VIOLATION: eptViolation,
  INVEPT: displacement,
  INVVPID: displacement,
  APIC_WRITE: [{ key: "offset", high: 11, low: 0, name: "Offset in the APIC page", text: hex }],
  INVPCID: displacement,
  PML_LOGFULL: [nmiUnblocking],
  INSTRUCTION_TIMEOUT: [{ key: "invalid", high: 0, low: 0, name: "VM context invalid", text: yesNo }],
};

const pageFault = whole("address", "Faulting linear address");
const debug: BitLayout = [
  { key: "breakpoints", high: 3, low: 0, name: "B3 to B0", text: (v) => v.toString(2).padStart(4, "0") },
  { key: "bd", high: 13, low: 13, name: "Debug-register access (BD)", text: yesNo },
  { key: "bs", high: 14, low: 14, name: "Single step (BS)", text: yesNo },
];

/** An exception has a qualification only for #PF and #DB; `vector` says which. */
const layoutOf = (reason: string, vector: number | undefined): BitLayout | undefined => {
  if (reason !== "EXCEPTION_NMI") return layouts[reason];
  return vector === 14 ? pageFault : vector === 1 ? debug : undefined;
};

/** Throws for a reason without a qualification, an unknown key, or a value that does not fit. */
export function encodeQualification(
  reason: string,
  values: Readonly<Record<string, bigint | number | boolean>>,
  vector?: number,
): bigint {
  const layout = layoutOf(reason, vector);
  if (!layout) throw new RangeError(`${reason} has no exit qualification`);
  return encode(layout, values);
}

/** The fields of an exit qualification in the manual's words; none where the reason has no qualification. */
export function decodeQualification(reason: string, qualification: bigint, vector?: number): Field[] {
  const layout = layoutOf(reason, vector);
  return layout ? decode(layout, qualification) : [];
}

export const eventType = {
  externalInterrupt: 0,
  nmi: 2,
  hardwareException: 3,
  softwareInterrupt: 4,
  privilegedSoftwareException: 5,
  softwareException: 6,
  other: 7,
} as const;

/** VM-exit 4404h, IDT-vectoring 4408h and VM-entry 4016h interruption information (SDM Vol. 3, 25.8.3 and 25.9.2). */
const interruptionInfo: BitLayout = [
  { key: "vector", high: 7, low: 0, name: "Vector", text: (v) => v.toString() },
  {
    key: "type",
    high: 10,
    low: 8,
    name: "Type",
    text: choice({
      0: "external interrupt",
      2: "NMI",
      3: "hardware exception",
      4: "software interrupt",
      5: "privileged software exception",
      6: "software exception",
      7: "other event",
    }),
  },
  { key: "errorCode", high: 11, low: 11, name: "Error code valid", text: yesNo },
  { key: "nmiUnblocking", high: 12, low: 12, name: "NMI unblocking due to IRET", text: yesNo },
  { key: "valid", high: 31, low: 31, name: "Valid", text: yesNo },
];

export const encodeInterruption = (values: Readonly<Record<string, number | boolean>>): number =>
  Number(encode(interruptionInfo, values));
export const decodeInterruption = (info: number): Field[] => decode(interruptionInfo, BigInt(info));

const addressSize = choice({ 0: "16 bits", 1: "32 bits", 2: "64 bits" });
const segment = choice({ 0: "ES", 1: "CS", 2: "SS", 3: "DS", 4: "FS", 5: "GS" });

const ioInfo: BitLayout = [
  { key: "addressSize", high: 9, low: 7, name: "Address size", text: addressSize },
  { key: "segment", high: 17, low: 15, name: "Segment", text: segment },
];

type When = (info: bigint) => boolean;

/** A memory operand; `isMemory` where it may be a register instead. */
const memoryInfo = (isMemory: When = () => true): BitLayout => [
  { key: "scale", high: 1, low: 0, name: "Scale", text: (v) => `${1 << Number(v)}`, when: isMemory },
  { key: "addressSize", high: 9, low: 7, name: "Address size", text: addressSize, when: isMemory },
  { key: "segment", high: 17, low: 15, name: "Segment", text: segment, when: isMemory },
  {
    key: "index",
    high: 21,
    low: 18,
    name: "Index",
    text: general,
    when: (w) => isMemory(w) && bitsOf(w, 22, 22) === 0n,
  },
  { key: "indexInvalid", high: 22, low: 22, name: "Index invalid", text: yesNo, when: isMemory },
  {
    key: "base",
    high: 26,
    low: 23,
    name: "Base",
    text: general,
    when: (w) => isMemory(w) && bitsOf(w, 27, 27) === 0n,
  },
  { key: "baseInvalid", high: 27, low: 27, name: "Base invalid", text: yesNo, when: isMemory },
];

const isMemory: When = (w) => bitsOf(w, 10, 10) === 0n;
/** An operand that is memory or a register. */
const registerOrMemory: BitLayout = [
  { key: "register1", high: 6, low: 3, name: "Register", text: general, when: (w) => !isMemory(w) },
  { key: "isRegister", high: 10, low: 10, name: "Operand", text: choice({ 0: "memory", 1: "register" }) },
  ...memoryInfo(isMemory),
];

const instruction = (names: Readonly<Record<number, string>>): BitLayout => [
  { key: "instruction", high: 29, low: 28, name: "Instruction", text: choice(names) },
];
const register2: BitLayout = [{ key: "register2", high: 31, low: 28, name: "Second register", text: general }];
const tableSize: BitLayout = [
  { key: "operandSize", high: 11, low: 11, name: "Operand size", text: choice({ 0: "16 bits", 1: "32 bits" }) },
];
const randomInfo: BitLayout = [
  { key: "register1", high: 6, low: 3, name: "Register", text: general },
  { key: "operandSize", high: 12, low: 11, name: "Operand size", text: addressSize },
];

/** VM-exit instruction information 440Eh by exit reason (SDM Vol. 3, 28.2.5). */
const instructionInfo: Readonly<Record<string, BitLayout>> = {
  IO_INSTRUCTION: ioInfo,
  GDTR_IDTR_ACCESS: [...memoryInfo(), ...tableSize, ...instruction({ 0: "SGDT", 1: "SIDT", 2: "LGDT", 3: "LIDT" })],
  LDTR_TR_ACCESS: [...registerOrMemory, ...instruction({ 0: "SLDT", 1: "STR", 2: "LLDT", 3: "LTR" })],
  VMCLEAR: memoryInfo(),
  VMPTRLD: memoryInfo(),
  VMPTRST: memoryInfo(),
  VMXON: memoryInfo(),
  VMREAD: [...registerOrMemory, ...register2],
  VMWRITE: [...registerOrMemory, ...register2],
  INVEPT: [...memoryInfo(), ...register2],
  INVVPID: [...memoryInfo(), ...register2],
  INVPCID: [...memoryInfo(), ...register2],
  RDRAND: randomInfo,
  RDSEED: randomInfo,
};

/** Throws for a reason without instruction information. */
export function encodeInstructionInfo(reason: string, values: Readonly<Record<string, number | boolean>>): number {
  const layout = instructionInfo[reason];
  if (!layout) throw new RangeError(`${reason} has no instruction information`);
  return Number(encode(layout, values));
}

export const decodeInstructionInfo = (reason: string, info: number): Field[] => {
  const layout = instructionInfo[reason];
  return layout ? decode(layout, BigInt(info)) : [];
};

const knownFields = new Map<string, (numbers: ExitNumbers) => Field[]>();

/** How the fields of a qualification are worked out: the same function for all exits of a kind. */
export function qualificationFields(reason: string, vector: number | undefined): (numbers: ExitNumbers) => Field[] {
  const key = vector === undefined ? reason : `${reason} ${vector}`;
  const known = knownFields.get(key);
  if (known) return known;
  const made = ({ qualification }: ExitNumbers): Field[] => decodeQualification(reason, qualification, vector);
  knownFields.set(key, made);
  return made;
}
