import { type InterceptTitle, interceptOf } from "../../isa/intercept.ts";
import type { Decoded, Memory } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { isImplemented } from "../cpu/cpuid.ts";
import { acceptsDebug } from "../cpu/debug-registers.ts";
import { acceptsControl } from "../cpu/modes.ts";
import { isMonitorArmed } from "../cpu/monitor-wait.ts";
import { segmentOf } from "../cpu/state.ts";
import type { ExitNumbers, Later } from "../trace/event.ts";
import { hex } from "../vmx/bit-layout.ts";
import {
  type ControlAccess,
  controlAccess,
  controlText,
  edxEax,
  linearAddress,
  msrIndex,
  msrText,
  portAccess,
  portText,
  stringOperand,
} from "../vmx/instruction-facts.ts";
import type { Attempt } from "./intercept-rules.ts";
import { type InterceptName, intercepts } from "./intercepts.ts";
import { portInfo, portOfInfo } from "./port-information.ts";

/** What an instruction attempts, one line about it, and (only if it is intercepted) EXITINFO1. */
export interface InstructionAttempt {
  readonly attempt: Attempt;
  readonly what: Later<string>;
  /** Number for `what` (see `ExitNumbers`). */
  readonly first?: number;
  readonly info1?: () => bigint | number;
}

/**
 * What AMD-V could intercept of an instruction; undefined if nothing, or if an exception comes first: the processor does not
 * have the instruction, or refuses its operands (APM Vol. 2, table 15-7). `cpu.next` must be set. Reads no memory.
 */
export function instructionAttempt(cpu: Cpu, decoded: Decoded): InstructionAttempt | undefined {
  const { row } = decoded;
  if (row.intercept !== undefined) return ownAttempt(cpu, decoded, row.intercept);
  if (row.exits.kind === "never" || (row.feature !== undefined && !isImplemented(row.feature))) return undefined;
  const { reason } = row.exits;
  switch (reason) {
    case "CR_ACCESS":
      return controlAttempt(
        cpu,
        controlAccess(cpu, decoded, () => 0),
      );
    case "DR_ACCESS":
      return debugAttempt(cpu, decoded);
    case "IO_INSTRUCTION":
      return portAttempt(cpu, decoded);
    case "RDMSR":
    case "WRMSR":
      return msrAttempt(cpu, reason === "WRMSR");
    case "MWAIT":
      return { attempt: { kind: "mwait", armed: isMonitorArmed(cpu) }, what: "mwait" };
    case "CPUID":
      return { attempt: { kind: "event", intercept: "CPUID" }, what: cpuidText, first: cpu.u32[0]! };
    case "INVLPG": {
      const address = linearAddress(cpu, decoded.operands[0] as Memory);
      return { attempt: { kind: "event", intercept: "INVLPG" }, what: `invlpg ${hex(address)}`, info1: () => address };
    }
    default: {
      const intercept = interceptOf(row);
      return isEvent(intercept) ? { attempt: { kind: "event", intercept }, what: row.mnemonic } : undefined;
    }
  }
}

type EventName = (Attempt & { kind: "event" })["intercept"];
const isEvent = (title: InterceptTitle | undefined): title is InterceptTitle & EventName =>
  title !== undefined && title in intercepts;

const cpuidText = ({ first }: ExitNumbers): string => `cpuid eax = ${hex(first)}`;
const vmmcallText = ({ first }: ExitNumbers): string => `vmmcall, eax = ${hex(first)}`;

/** Instructions that VT-x knows no exit for. Those of SVM are for CPL 0 in protected mode; elsewhere our guests have no such thing. */
function ownAttempt(
  cpu: Cpu,
  { row, operands }: Decoded,
  intercept: NonNullable<Decoded["row"]["intercept"]>,
): InstructionAttempt | undefined {
  if (intercept === "CR0_READ") return { attempt: { kind: "control", register: 0, write: false }, what: row.mnemonic };
  const attempt = { kind: "event", intercept: intercept satisfies InterceptName } as const;
  if (intercept === "VMMCALL") return { attempt, what: vmmcallText, first: cpu.u32[0]! };
  if (intercept === "SWINT") {
    const [vector] = operands;
    const number = vector?.kind === "immediate" ? vector.value & 0xffn : 0n;
    return { attempt, what: `int ${hex(number)}`, info1: () => number };
  }
  if (row.feature !== undefined && (cpu.cpl !== 0 || !cpu.protectedMode)) return undefined;
  return { attempt, what: row.mnemonic };
}

const tsAndMp = 10n;
const moveBit = 1n << 63n;

/** LMSW is intercepted whatever it writes, and before its operand is read. */
function controlAttempt(cpu: Cpu, facts: ControlAccess): InstructionAttempt | undefined {
  const { register, access, general, value } = facts;
  const isMove = access === "to" || access === "from";
  if (access === "to" && !acceptsControl(cpu, register, value)) return undefined;
  const changed = (value ^ BigInt.asUintN(32, BigInt(cpu.cr0))) & ~tsAndMp;
  const selective = access === "to" ? "mov" : access === "lmsw" ? "lmsw" : undefined;
  const attempt: Attempt = {
    kind: "control",
    register,
    write: access !== "from",
    changes: changed !== 0n,
    ...(selective && register === 0 ? { selective } : {}),
  };
  const what = access === "lmsw" ? "lmsw" : controlText(facts);
  return { attempt, what, info1: () => (isMove ? moveBit | BigInt(general) : 0n) };
}

function debugAttempt(cpu: Cpu, { operands, row }: Decoded): InstructionAttempt | undefined {
  const [first, second] = operands;
  const write = first?.kind === "register" && first.class === "debug";
  const [debug, other] = write ? [first, second] : [second, first];
  if (debug?.kind !== "register" || other?.kind !== "register")
    throw new TypeError(`${row.syntax} moves no debug register`);
  const value = write ? cpu.r64[other.number]! : undefined;
  if (!acceptsDebug(cpu, debug.number, value)) return undefined;
  const what = `${row.mnemonic} ${write ? "to" : "from"} dr${debug.number}`;
  const { number } = other;
  return { attempt: { kind: "debug", register: debug.number, write }, what, info1: () => BigInt(number) };
}

const portExitText = ({ first, qualification }: ExitNumbers): string =>
  portText(first, { ...portOfInfo(Number(qualification)), immediate: false });

function portAttempt(cpu: Cpu, decoded: Decoded): InstructionAttempt {
  const facts = portAccess(cpu, decoded);
  const segment = facts.string ? segmentOf(stringOperand(decoded).segment) : 0;
  return {
    attempt: { kind: "port", port: facts.port, bytes: facts.bytes },
    what: portExitText,
    first: cpu.u32[0]!,
    info1: () => portInfo({ ...facts, addressBits: decoded.addressSize, segment }),
  };
}

function msrAttempt(cpu: Cpu, write: boolean): InstructionAttempt {
  const msr = msrIndex(cpu);
  const value = edxEax(cpu);
  const what = (): string => (write ? `wrmsr ${msrText(msr)} = ${hex(value)}` : `rdmsr ${msrText(msr)}`);
  return { attempt: { kind: "msr", msr, write }, what, info1: () => (write ? 1 : 0) };
}
