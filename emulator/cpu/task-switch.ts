import { flagMask } from "../../isa/flags.ts";
import type { Cpu } from "./cpu.ts";
import { dropLocalBreakpoints, raiseDebugTrap } from "./debug-registers.ts";
import {
  accessOf,
  baseOf,
  type Descriptor,
  dplOf,
  isCode,
  isConforming,
  isNull,
  isPresent,
  isReadable,
  isSystem,
  isWritableData,
  limitOf,
  nullSegment,
  rplOf,
  segmentFrom,
  selectorError,
  systemType,
  typeOf,
  virtual8086Segment,
} from "./descriptor.ts";
import { hardwareFault, vector } from "./fault.ts";
import { layout } from "./layout.ts";
import { loadPageDirectory } from "./modes.ts";
import { markAccessed, readDescriptor } from "./segmentation.ts";
import { Frame, setStackPointer } from "./stack.ts";
import { CR0, CS, DS, ES, FS, GS, LDTR, SS, TR } from "./state.ts";

/** What makes the processor switch tasks; `gate` is a task gate in the IDT. */
export type TaskSwitchSource = "call" | "iret" | "jump" | "gate";

export interface TaskSwitch {
  /** Selector of the new TSS, and its descriptor, which the caller has found to be available (busy, for IRET). */
  readonly selector: number;
  readonly descriptor: Descriptor;
  readonly source: TaskSwitchSource;
  /** Instruction pointer the old task goes on at. */
  readonly returnTo: number;
  /** Bits added to the flags that are saved: RF, where a fault goes through a task gate. */
  readonly savedFlags?: number;
  /** Pushed on the new task's stack. */
  readonly errorCode?: number | undefined;
  /** 1 where the event is no software interrupt: EXT of the error codes. */
  readonly ext?: number;
  /** Bytes of the instruction; 0 for events that no instruction asked for. */
  readonly length: number;
}

const NT = flagMask("NT");
const VM = flagMask("VM");
const localDataSegments = [DS, ES, FS, GS] as const;

/** Where a TSS of either size keeps what (SDM Vol. 3, figures 8-2 and 8-10). */
interface Form {
  readonly bytes: 2 | 4;
  /** Least limit of a TSS that is switched to, and of one whose state is saved. */
  readonly limit: number;
  readonly savedLimit: number;
  readonly cr3: number | undefined;
  readonly ip: number;
  readonly flags: number;
  /** The eight general registers. */
  readonly registers: number;
  /** Segment registers by number, and where each is. */
  readonly segments: readonly (readonly [segment: number, at: number])[];
  readonly ldt: number;
  readonly trap: number | undefined;
}

const wide: Form = {
  bytes: 4,
  limit: 0x67,
  savedLimit: 0x5f,
  cr3: 28,
  ip: 32,
  flags: 36,
  registers: 40,
  segments: [
    [ES, 72],
    [CS, 76],
    [SS, 80],
    [DS, 84],
    [FS, 88],
    [GS, 92],
  ],
  ldt: 96,
  trap: 100,
};
const narrow: Form = {
  bytes: 2,
  limit: 0x2b,
  savedLimit: 0x29,
  cr3: undefined,
  ip: 14,
  flags: 16,
  registers: 18,
  segments: [
    [ES, 34],
    [CS, 36],
    [SS, 38],
    [DS, 40],
  ],
  ldt: 42,
  trap: undefined,
};
const formOf = (type: number): Form => ((type & 8) !== 0 ? wide : narrow);

const busyBit = 2;

/** What a TSS holds of a task. */
interface Task {
  readonly cr3: number | undefined;
  readonly ip: number;
  readonly flags: number;
  readonly registers: readonly number[];
  readonly selectors: ReadonlyMap<number, number>;
  readonly ldt: number;
  readonly trap: boolean;
}

const isTss = (type: number, busy: boolean): boolean =>
  busy
    ? type === systemType.busyTss16 || type === systemType.busyTss32
    : type === systemType.tss16 || type === systemType.tss32;

/**
 * The descriptor of the TSS that a task gate or a back link names: in the GDT, a TSS, and busy or not as it must be; else the
 * exception given, naming the selector.
 */
export function requireTask(cpu: Cpu, selector: number, busy: boolean, number: number, ext = 0): Descriptor {
  const refuse = (): never => {
    throw hardwareFault(number, selectorError(selector) | ext);
  };
  if ((selector & 4) !== 0 || isNull(selector)) refuse();
  const d = readDescriptor(cpu, selector) ?? refuse();
  if (!isSystem(d) || !isTss(typeOf(d), busy)) refuse();
  return d;
}

/**
 * Switches tasks (SDM Vol. 3, 8.3). Throws with the old task unharmed until its state is saved; after that the new task's
 * state is loaded, and an exception is one of the new task, at its first instruction.
 */
export function switchTask(cpu: Cpu, request: TaskSwitch): void {
  const { selector, descriptor, source, ext = 0 } = request;
  const form = formOf(typeOf(descriptor));
  const error = selectorError(selector) | ext;
  if (!isPresent(descriptor)) throw hardwareFault(vector.NP, error);
  if (limitOf(descriptor) < form.limit) throw hardwareFault(vector.TS, error);
  const old = cpu.segment(TR);
  const oldForm = formOf(old.access);
  if (old.limit < oldForm.savedLimit) throw hardwareFault(vector.TS, error);
  cpu.monitor?.onTaskSwitch(request);
  const base = baseOf(descriptor);
  const nests = source === "call" || source === "gate";
  reach(cpu, old.base, oldForm.savedLimit, "write");
  reach(cpu, base, form.limit, "read");
  if (nests) reach(cpu, base, 1, "write");

  if (!nests) setBusy(cpu, readDescriptor(cpu, old.selector), false);
  const flags = (cpu.flags | (request.savedFlags ?? 0)) & (source === "iret" ? ~NT : -1);
  saveTask(cpu, oldForm, old.base, { ip: request.returnTo, flags });
  const task = readTask(cpu, form, base);
  if (nests) cpu.writeSystem(base, 2, old.selector);
  if (source !== "iret") setBusy(cpu, descriptor, true);
  const access = (accessOf(descriptor) & ~busyBit) | busyBit;
  cpu.setSegment(TR, { selector, access, limit: limitOf(descriptor), base });
  enterTask(cpu, task, nests, ext);
  if (request.errorCode !== undefined) pushErrorCode(cpu, request.errorCode, form.bytes, ext);
  if (cpu.rip > cpu.limit(CS)) throw hardwareFault(vector.GP, ext);
}

/** Finds out whether the bytes up to `last` can be accessed, which may be in two pages. */
function reach(cpu: Cpu, base: number, last: number, access: "read" | "write"): void {
  cpu.translate(cpu.wrap(base), access, false, true);
  cpu.translate(cpu.wrap(base + last), access, false, true);
}

function setBusy(cpu: Cpu, d: Descriptor | undefined, busy: boolean): void {
  if (!d) return;
  const access = (d.high >>> 8) & 0xff;
  cpu.writeSystem(d.address + 5, 1, busy ? access | busyBit : access & ~busyBit);
}

function saveTask(cpu: Cpu, form: Form, base: number, { ip, flags }: { readonly ip: number; readonly flags: number }) {
  const { bytes } = form;
  cpu.writeSystem(base + form.ip, bytes, ip);
  cpu.writeSystem(base + form.flags, bytes, flags);
  for (let n = 0; n < 8; n++) cpu.writeSystem(base + form.registers + n * bytes, bytes, cpu.r32[n * 2]!);
  for (const [segment, at] of form.segments) cpu.writeSystem(base + at, 2, cpu.selector(segment));
}

function readTask(cpu: Cpu, form: Form, base: number): Task {
  const { bytes } = form;
  // A 16-bit task finds ones in the upper halves, as since the 386.
  const upper = bytes === 2 ? 0xffff_0000 : 0;
  return {
    cr3: form.cr3 === undefined ? undefined : cpu.readSystem(base + form.cr3, 4),
    ip: cpu.readSystem(base + form.ip, bytes),
    flags: cpu.readSystem(base + form.flags, bytes),
    registers: Array.from({ length: 8 }, (_, n) => upper + cpu.readSystem(base + form.registers + n * bytes, bytes)),
    selectors: new Map(form.segments.map(([segment, at]) => [segment, cpu.readSystem(base + at, 2)])),
    ldt: cpu.readSystem(base + form.ldt, 2),
    trap: form.trap !== undefined && (cpu.readSystem(base + form.trap, 2) & 1) !== 0,
  };
}

/** Makes the state read from a TSS the processor's, then loads the segments with all checks. */
function enterTask(cpu: Cpu, task: Task, nests: boolean, ext: number): void {
  const { selectors } = task;
  const selectorOf = (segment: number): number => selectors.get(segment) ?? 0;
  cpu.r32[layout.cr0 >> 2]! |= CR0.TS;
  dropLocalBreakpoints(cpu);
  for (const [n, value] of task.registers.entries()) cpu.r64[n] = BigInt(value);
  cpu.rip = task.ip;
  cpu.next = task.ip;
  for (let segment = 0; segment < 6; segment++) cpu.writeSegment(segment, nullSegment(selectorOf(segment)));
  cpu.writeSegment(LDTR, nullSegment(task.ldt));
  cpu.flags = task.flags | (nests ? NT : 0);
  const virtual = (task.flags & VM) !== 0;
  cpu.setCpl(virtual ? 3 : rplOf(selectorOf(CS)));
  cpu.refresh();
  if (task.cr3 !== undefined && cpu.paging) loadPageDirectory(cpu, BigInt(task.cr3));
  if (task.trap) raiseDebugTrap(cpu, taskSwitchTrap);
  loadLocalTable(cpu, task.ldt, ext);
  if (virtual) {
    for (let segment = 0; segment < 6; segment++) cpu.writeSegment(segment, virtual8086Segment(selectorOf(segment)));
    cpu.refresh();
    return;
  }
  const code = requireCode(cpu, selectorOf(CS), ext);
  loadStack(cpu, selectorOf(SS), rplOf(selectorOf(CS)), ext);
  for (const segment of localDataSegments) loadData(cpu, segment, selectorOf(segment), ext);
  markAccessed(cpu, code);
  cpu.setSegment(CS, segmentFrom(selectorOf(CS), code));
}

/** DR6.BT. */
const taskSwitchTrap = 1 << 15;

const taskFault = (number: number, selector: number, ext: number): never => {
  throw hardwareFault(number, selectorError(selector) | ext);
};

function loadLocalTable(cpu: Cpu, selector: number, ext: number): void {
  if (isNull(selector)) return;
  const refuse = (): never => taskFault(vector.TS, selector, ext);
  if ((selector & 4) !== 0) refuse();
  const d = readDescriptor(cpu, selector) ?? refuse();
  if (!isSystem(d) || typeOf(d) !== systemType.ldt || !isPresent(d)) refuse();
  cpu.setSegment(LDTR, { selector, access: accessOf(d), limit: limitOf(d), base: baseOf(d) });
}

function requireCode(cpu: Cpu, selector: number, ext: number): Descriptor {
  const refuse = (): never => taskFault(vector.TS, selector, ext);
  if (isNull(selector)) refuse();
  const d = readDescriptor(cpu, selector) ?? refuse();
  const rpl = rplOf(selector);
  if (!isCode(d) || (isConforming(d) ? dplOf(d) > rpl : dplOf(d) !== rpl)) refuse();
  if (!isPresent(d)) taskFault(vector.NP, selector, ext);
  return d;
}

function loadStack(cpu: Cpu, selector: number, cpl: number, ext: number): void {
  const refuse = (): never => taskFault(vector.TS, selector, ext);
  if (isNull(selector)) refuse();
  const d = readDescriptor(cpu, selector) ?? refuse();
  if (!isWritableData(d)) refuse();
  if (!isPresent(d)) taskFault(vector.SS, selector, ext);
  if (dplOf(d) !== cpl || rplOf(selector) !== cpl) refuse();
  markAccessed(cpu, d);
  cpu.setSegment(SS, segmentFrom(selector, d));
}

function loadData(cpu: Cpu, segment: number, selector: number, ext: number): void {
  if (isNull(selector)) return;
  const refuse = (): never => taskFault(vector.TS, selector, ext);
  const d = readDescriptor(cpu, selector) ?? refuse();
  if (!isReadable(d)) refuse();
  if (!isConforming(d) && (rplOf(selector) > dplOf(d) || cpu.cpl > dplOf(d))) refuse();
  if (!isPresent(d)) taskFault(vector.NP, selector, ext);
  markAccessed(cpu, d);
  cpu.setSegment(segment, segmentFrom(selector, d));
}

function pushErrorCode(cpu: Cpu, code: number, bytes: 2 | 4, ext: number): void {
  const frame = Frame.current(cpu, ext);
  frame.push(code, bytes);
  setStackPointer(cpu, cpu.stackBits, frame.pointer);
}
