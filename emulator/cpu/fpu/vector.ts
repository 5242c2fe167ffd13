import type { Row } from "../../../isa/instruction.ts";
import type { Decoded, Operand } from "../../../isa/operands.ts";
import type { Cpu } from "../cpu.ts";
import { checkMmx, checkSse, isReady } from "./availability.ts";
import { fxrstor, fxsave, readMxcsr, setMxcsr } from "./extended-state.ts";
import { memoryOf } from "./memory-operand.ts";
import { packedIntegers } from "./packed-integer.ts";
import { enterMmx, leaveMmx } from "./register-stack.ts";
import { sseArithmetic } from "./sse-arithmetic.ts";
import { sseConversions } from "./sse-conversion.ts";
import { vectorMoves } from "./vector-moves.ts";

type Execute = (cpu: Cpu, decoded: Decoded) => void;

const state: Readonly<Record<string, Execute>> = {
  emms: leaveMmx,
  fxsave: (cpu, decoded) => fxsave(cpu, memoryOf(cpu, decoded), false),
  fxsave64: (cpu, decoded) => fxsave(cpu, memoryOf(cpu, decoded), true),
  fxrstor: (cpu, decoded) => fxrstor(cpu, memoryOf(cpu, decoded), false),
  fxrstor64: (cpu, decoded) => fxrstor(cpu, memoryOf(cpu, decoded), true),
  ldmxcsr: (cpu, decoded) => {
    const { segment, offset } = memoryOf(cpu, decoded);
    setMxcsr(cpu, cpu.load32(segment, offset) >>> 0);
  },
  stmxcsr: (cpu, decoded) => {
    const { segment, offset } = memoryOf(cpu, decoded);
    cpu.store32(segment, offset, readMxcsr(cpu));
  },
};

const all: Readonly<Record<string, Execute>> = {
  ...vectorMoves,
  ...packedIntegers,
  ...sseArithmetic,
  ...sseConversions,
  ...state,
};

const isMmx = (operand: Operand): boolean => operand.kind === "register" && operand.class === "mmx";

/** CVTPI2PS leaves the x87 state behind even if its source is memory; CVTPI2PD does not. */
const usesMmx = ({ row, operands }: Decoded): boolean => row.mnemonic === "cvtpi2ps" || operands.some(isMmx);

/** What happens around an instruction, and the instruction. */
function executionOf(row: Row): Execute {
  const execute = all[row.mnemonic];
  if (!execute) throw new TypeError(`${row.syntax} is no vector instruction`);
  const savesState = row.mnemonic.startsWith("fx");
  const onlyMmx =
    row.family === "mmx" ||
    (row.operands.some((o) => o.class === "mmx") && row.operands.every((o) => o.class !== "xmm"));
  if (savesState)
    return (cpu, decoded) => {
      checkMmx(cpu);
      execute(cpu, decoded);
    };
  const check = onlyMmx ? checkMmx : checkSse;
  const leaves = row.mnemonic === "emms";
  if (!row.operands.some((o) => o.class === "mmx") && !leaves && row.mnemonic !== "cvtpi2ps")
    return (cpu, decoded) => {
      check(cpu);
      execute(cpu, decoded);
    };
  return (cpu, decoded) => {
    check(cpu);
    if ((leaves || usesMmx(decoded)) && !isReady(cpu)) return;
    execute(cpu, decoded);
    if (!leaves && usesMmx(decoded)) enterMmx(cpu);
  };
}

const executions = new Map<Row, Execute>();

/** Executes an MMX or SSE instruction, or one that saves or restores their state. */
export function executeVector(cpu: Cpu, decoded: Decoded): void {
  let execute = executions.get(decoded.row);
  if (!execute) {
    execute = executionOf(decoded.row);
    executions.set(decoded.row, execute);
  }
  execute(cpu, decoded);
}
