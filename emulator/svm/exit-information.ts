import type { Fault } from "../cpu/monitor.ts";
import type { Field } from "../trace/event.ts";
import { type BitLayout, bitsOf, choice, decode, encode, hex, yesNo } from "../vmx/bit-layout.ts";
import { firstCode } from "./exit-codes.ts";
import { intercepts } from "./intercepts.ts";

const segments = choice({ 0: "ES", 1: "CS", 2: "SS", 3: "DS", 4: "FS", 5: "GS" });
const general = (value: bigint): string =>
  ["RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"][Number(value)] ?? `R${value}`;

/** A field of one bit. */
const flag = (key: string, bit: number, name: string): BitLayout[number] => ({
  key,
  high: bit,
  low: bit,
  name,
  text: yesNo,
});
const whole = (name: string): BitLayout => [{ key: "value", high: 63, low: 0, name, text: hex }];

/** EXITINFO1 of IOIO (APM Vol. 2, 15.10.2). */
const ioio: BitLayout = [
  { key: "in", high: 0, low: 0, name: "TYPE", text: choice({ 0: "OUT", 1: "IN" }) },
  flag("string", 2, "STR"),
  flag("rep", 3, "REP"),
  { key: "size", high: 6, low: 4, name: "SZ", text: choice({ 1: "8 bits", 2: "16 bits", 4: "32 bits" }) },
  { key: "addressSize", high: 9, low: 7, name: "A", text: choice({ 1: "16 bits", 2: "32 bits", 4: "64 bits" }) },
  { key: "segment", high: 12, low: 10, name: "SEG", text: segments },
  { key: "port", high: 31, low: 16, name: "PORT", text: hex },
];

/** EXITINFO1 of a nested page fault: a page-fault error code, and whose translation it was (APM Vol. 2, 15.25.6). */
export const nestedPageFault: BitLayout = [
  flag("present", 0, "P"),
  flag("write", 1, "RW"),
  flag("user", 2, "US"),
  flag("reserved", 3, "RSV"),
  flag("fetch", 4, "ID"),
  flag("final", 32, "Translating the final guest-physical address"),
  flag("table", 33, "Translating a guest page table"),
];

/** EXITINFO1 of an intercepted #PF: its error code. */
const pageFaultCode: BitLayout = nestedPageFault.slice(0, 5);

const moveControl: BitLayout = [
  {
    key: "general",
    high: 3,
    low: 0,
    name: "General register",
    text: general,
    when: (word) => bitsOf(word, 63, 63) === 1n,
  },
  { key: "move", high: 63, low: 63, name: "Instruction was MOV CRx", text: yesNo },
];
const moveDebug: BitLayout = [{ key: "general", high: 3, low: 0, name: "General register", text: general }];
const errorCode = whole("Error code");
const noError = [] satisfies BitLayout;

/** EXITINFO2 of a task switch (APM Vol. 2, 15.14.1). */
const taskSwitch2: BitLayout = [
  { key: "errorCode", high: 31, low: 0, name: "Error code", text: hex, when: (word) => bitsOf(word, 44, 44) === 1n },
  flag("iret", 36, "Caused by IRET"),
  flag("jump", 38, "Caused by a far jump"),
  flag("hasError", 44, "Has an error code"),
  flag("resume", 48, "EFLAGS.RF for the outgoing TSS"),
];

interface Layouts {
  readonly info1: BitLayout;
  readonly info2: BitLayout;
}

const layoutsByCode: Readonly<Record<number, Layouts>> = {
  [intercepts.IOIO.code]: { info1: ioio, info2: whole("rIP of the next instruction") },
  [intercepts.MSR.code]: {
    info1: [{ key: "write", high: 0, low: 0, name: "Access", text: choice({ 0: "RDMSR", 1: "WRMSR" }) }],
    info2: noError,
  },
  [intercepts.INVLPG.code]: { info1: whole("Linear address"), info2: noError },
  [intercepts.SWINT.code]: {
    info1: [{ key: "vector", high: 7, low: 0, name: "Interrupt number", text: hex }],
    info2: noError,
  },
  [intercepts.TASK_SWITCH.code]: {
    info1: [{ key: "selector", high: 15, low: 0, name: "Selector of the incoming TSS", text: hex }],
    info2: taskSwitch2,
  },
  [intercepts.CR0_SEL_WRITE.code]: { info1: moveControl, info2: noError },
  1024: { info1: nestedPageFault, info2: whole("Guest-physical address") },
  [firstCode.exception + 14]: { info1: pageFaultCode, info2: whole("Faulting linear address") },
};

/** Exceptions whose error code is in EXITINFO1; for #DF and #TS the field is undefined (APM Vol. 2, 15.12). */
const withErrorCode = new Set([11, 12, 13, 14, 17]);

/** How EXITINFO1 and EXITINFO2 read for an exit code; undefined where the manual leaves both undefined. */
function layoutsOf(code: number): Layouts | undefined {
  const known = layoutsByCode[code];
  if (known) return known;
  if (code >= firstCode.crRead && code < firstCode.drRead) return { info1: moveControl, info2: noError };
  if (code >= firstCode.drRead && code < firstCode.exception) return { info1: moveDebug, info2: noError };
  return withErrorCode.has(code - firstCode.exception) && code < firstCode.exception + 32
    ? { info1: errorCode, info2: noError }
    : undefined;
}

type Values = Readonly<Record<string, bigint | number | boolean>>;

/** Throws for an exit code without EXITINFO1, an unknown key, or a value that does not fit. */
export function encodeInfo1(code: number, values: Values): bigint {
  const layouts = layoutsOf(code);
  if (!layouts) throw new RangeError(`exit code ${hex(code)} has no EXITINFO1`);
  return encode(layouts.info1, values);
}

/** The same for EXITINFO2. */
export function encodeInfo2(code: number, values: Values): bigint {
  const layouts = layoutsOf(code);
  if (!layouts) throw new RangeError(`exit code ${hex(code)} has no EXITINFO2`);
  return encode(layouts.info2, values);
}

/** What a #VMEXIT leaves in the VMCB beside the guest's state. */
export interface ExitInformation {
  readonly code: number;
  readonly info1: bigint;
  readonly info2: bigint;
  readonly interrupted: bigint;
}

/** The fields in the manual's words: EXITINFO1, EXITINFO2, and EXITINTINFO if a delivery was interrupted. */
export function decodeExit({ code, info1, info2, interrupted }: ExitInformation): Field[] {
  const layouts = layoutsOf(code);
  const named = (prefix: string, fields: Field[]): Field[] =>
    fields.map((field) => ({ ...field, name: `${prefix}: ${field.name}` }));
  return [
    ...(layouts ? named("EXITINFO1", decode(layouts.info1, info1)) : []),
    ...(layouts ? named("EXITINFO2", decode(layouts.info2, info2)) : []),
    ...named("EXITINTINFO", decodeEvent(interrupted)),
  ];
}

/** Types of events in EXITINTINFO and EVENTINJ (APM Vol. 2, table 15-1). */
export const eventType = { interrupt: 0, nmi: 2, exception: 3, softwareInterrupt: 4 } as const;
export const validEvent = 1n << 31n;

/** EXITINTINFO and EVENTINJ (APM Vol. 2, figures 15-1 and 15-5). */
const event: BitLayout = [
  { key: "vector", high: 7, low: 0, name: "VECTOR", text: (value) => value.toString() },
  {
    key: "type",
    high: 10,
    low: 8,
    name: "TYPE",
    text: choice({ 0: "external or virtual interrupt", 2: "NMI", 3: "exception", 4: "software interrupt" }),
  },
  flag("hasError", 11, "EV: error code valid"),
  flag("valid", 31, "V: valid"),
  { key: "errorCode", high: 63, low: 32, name: "ERRORCODE", text: hex, when: (word) => bitsOf(word, 11, 11) === 1n },
];

/** The fields of EXITINTINFO or EVENTINJ; none if it is not valid. */
export const decodeEvent = (info: bigint): Field[] => ((info & validEvent) === 0n ? [] : decode(event, info));

/** An event as EXITINTINFO tells it and EVENTINJ takes it. INT1, INT3 and INTO are exceptions here. */
export const encodeEvent = (vector: number, type: number, errorCode?: number): bigint =>
  encode(event, {
    vector,
    type,
    hasError: errorCode !== undefined,
    valid: true,
    errorCode: errorCode === undefined ? 0 : errorCode >>> 0,
  });

const nmiVector = 2;

/** The event whose delivery a #VMEXIT interrupted. */
export function interruptedEvent(vectoring: Fault | { readonly kind: "interrupt"; readonly vector: number }): bigint {
  const { vector } = vectoring;
  if (vectoring.kind === "interrupt")
    return encodeEvent(vector, vector === nmiVector ? eventType.nmi : eventType.interrupt);
  const type = vectoring.source === "software" ? eventType.softwareInterrupt : eventType.exception;
  return encodeEvent(vector, type, vectoring.errorCode);
}

/** EXITINFO1 of a nested page fault, by hand: guests that start have many. Every access is a user's. */
export function nestedFaultInfo({ present, write, reserved, fetch, table }: NestedFault): number {
  const code = (present ? 1 : 0) | (write ? 2 : 0) | 4 | (reserved ? 8 : 0) | (fetch ? 0x10 : 0);
  return code + (table ? duringTable : duringFinal);
}

const duringFinal = 2 ** 32;
const duringTable = 2 ** 33;

export interface NestedFault {
  readonly present: boolean;
  readonly write: boolean;
  readonly reserved: boolean;
  readonly fetch: boolean;
  /** It was for a guest page table, not for the final address. */
  readonly table: boolean;
}
