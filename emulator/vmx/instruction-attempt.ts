import type { Decoded, Memory, Operand } from "../../isa/operands.ts";
import type { Cpu } from "../cpu/cpu.ts";
import { isMonitorArmed } from "../cpu/monitor-wait.ts";
import { segmentOf } from "../cpu/state.ts";
import type { ExitNumbers, Later } from "../trace/event.ts";
import { hex } from "./bit-layout.ts";
import type { ExitData } from "./exit.ts";
import type { Attempt } from "./exit-rules.ts";
import {
  controlAccess,
  controlText,
  edxEax,
  linearAddress,
  msrIndex,
  msrText,
  portAccess,
  portOfQualification,
  portQualification,
  portText,
  stringOperand,
} from "./instruction-facts.ts";
import { instructionOperands } from "./instruction-operands.ts";
import type { NonRootGuest } from "./non-root-guest.ts";
import { pauseTimes } from "./pause-loop.ts";
import { encodeInstructionInfo, encodeQualification } from "./qualification.ts";
import { functionCall } from "./vm-functions.ts";

/** What an instruction attempts, one line about it, and (only if it exits) the exit information. */
export interface InstructionAttempt {
  readonly attempt: Attempt;
  /** Made from `first` and `second` alone where it is a function of the numbers of an exit. */
  readonly what: Later<string>;
  readonly first?: number;
  readonly second?: number;
  readonly data?: () => Partial<ExitData>;
}

/** Reads the 16-bit operand of LMSW. */
export type WordReader = (operand: Operand) => number;

/** `Cpu.next` must be set. With `word` reading memory it may fault, as reading LMSW's operand would. */
export function instructionAttempt(
  guest: NonRootGuest,
  decoded: Decoded,
  reason: string,
  word: WordReader,
): InstructionAttempt {
  const { cpu } = guest;
  switch (reason) {
    case "CR_ACCESS":
      return controlAttempt(cpu, decoded, word);
    case "IO_INSTRUCTION":
      return portAttempt(cpu, decoded);
    case "RDMSR":
    case "WRMSR":
      return msrAttempt(cpu, reason);
    case "INVLPG": {
      const address = linearAddress(cpu, decoded.operands[0] as Memory);
      const data = (): Partial<ExitData> => ({ qualification: encodeQualification(reason, { address }) });
      return { attempt: { reason }, what: `invlpg ${hex(address)}`, data };
    }
    case "MWAIT": {
      const data = (): Partial<ExitData> => ({
        qualification: encodeQualification(reason, { armed: isMonitorArmed(cpu) }),
      });
      return { attempt: { reason }, what: "mwait", data };
    }
    case "CPUID":
      return { attempt: { reason }, what: cpuidText, first: cpu.u32[0]!, second: cpu.u32[2]! };
    case "VMFUNC": {
      const call = functionCall(guest);
      return { attempt: { reason, ...call }, what: `vmfunc, eax = ${hex(call.number)}, ecx = ${hex(call.index)}` };
    }
    case "PAUSE":
      return { attempt: { reason, ...pauseTimes(cpu) }, what: "pause" };
    case "VMCALL":
      return { attempt: { reason }, what: vmcallText, first: cpu.u32[0]! };
    default:
      if (withOperands.has(reason))
        return {
          attempt: { reason } as Attempt,
          what: decoded.row.mnemonic,
          data: () => instructionOperands(decoded, reason, cpu.next),
        };
      return { attempt: { reason } as Attempt, what: reason.toLowerCase() };
  }
}

const cpuidText = ({ first, second }: ExitNumbers): string => `cpuid eax = ${hex(first)}, ecx = ${hex(second)}`;
const vmcallText = ({ first }: ExitNumbers): string => `vmcall, eax = ${hex(first)}`;
const portExitText = ({ first, second }: ExitNumbers): string => portText(first, portOfQualification(second));

/** Exits that say what the operands were. */
const withOperands = new Set([
  "VMCLEAR",
  "VMPTRLD",
  "VMPTRST",
  "VMREAD",
  "VMWRITE",
  "VMXON",
  "INVEPT",
  "INVVPID",
  "INVPCID",
  "RDRAND",
  "RDSEED",
  "DR_ACCESS",
  "GDTR_IDTR_ACCESS",
  "LDTR_TR_ACCESS",
]);

function msrAttempt(cpu: Cpu, reason: "RDMSR" | "WRMSR"): InstructionAttempt {
  const msr = msrIndex(cpu);
  const value = edxEax(cpu);
  const what = () => `${reason.toLowerCase()} ${msrText(msr)}${reason === "WRMSR" ? ` = ${hex(value)}` : ""}`;
  return { attempt: { reason, msr }, what };
}

function controlAttempt(cpu: Cpu, decoded: Decoded, word: WordReader): InstructionAttempt {
  const facts = controlAccess(cpu, decoded, word);
  const { register, access, general, value, memory } = facts;
  const type = { to: 0, from: 1, clts: 2, lmsw: 3 }[access];
  const data = (): Partial<ExitData> => ({
    qualification: encodeQualification("CR_ACCESS", {
      register,
      type,
      general: type < 2 ? general : 0,
      memory,
      source: access === "lmsw" ? value : 0n,
    }),
    ...(memory ? { guestLinear: linearAddress(cpu, decoded.operands[0] as Memory) } : {}),
  });
  return { attempt: { reason: "CR_ACCESS", register, access, value }, what: controlText(facts), data };
}

function portAttempt(cpu: Cpu, decoded: Decoded): InstructionAttempt {
  const access = portAccess(cpu, decoded);
  const { port, bytes, string } = access;
  const qualification = portQualification(access);
  const data = string ? () => stringData(cpu, decoded, qualification) : () => ({ qualification });
  const numbers = { first: cpu.u32[0]!, second: qualification };
  return { attempt: { reason: "IO_INSTRUCTION", port, bytes }, what: portExitText, ...numbers, data };
}

/** INS and OUTS have a memory operand. */
function stringData(cpu: Cpu, decoded: Decoded, qualification: number): Partial<ExitData> {
  const memory = stringOperand(decoded);
  const { addressSize } = decoded;
  return {
    qualification,
    guestLinear: linearAddress(cpu, memory),
    instructionInfo: encodeInstructionInfo("IO_INSTRUCTION", {
      addressSize: addressSize === 64 ? 2 : addressSize === 32 ? 1 : 0,
      segment: segmentOf(memory.segment),
    }),
  };
}
