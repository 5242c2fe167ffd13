import { type CostProfile, type Crossing, crossingCost } from "./costs.ts";
import { isXenCall } from "./hypercalls.ts";
import type { Row } from "./instruction.ts";
import { interceptOf } from "./intercept.ts";
import type { Decoded } from "./operands.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { passthroughMsrs, passthroughPorts } from "./passthrough.ts";
import { rows } from "./table.ts";
import type { Technique } from "./technique.ts";

/** What is known where an instruction stands, as far as it decides whether it leaves the guest. */
export interface Circumstances {
  readonly mode?: "real" | "virtual-8086" | "protected" | "long" | undefined;
  readonly cpl?: 0 | 1 | 2 | 3 | undefined;
  /** Low halves of general registers that are constants there. */
  readonly register?: (n: number) => number | undefined;
}

/** That an instruction leaves the guest, as the built-in hypervisors are set up. */
export interface Prediction {
  readonly outcome: Extract<Outcome, "traps" | "rewritten">;
  readonly crossing: Crossing;
  /** The exit's name: a basic exit reason, an exit code, an exception. */
  readonly reason: string;
  /** One sentence: why. */
  readonly why: string;
}

/** What the translator does in place, without leaving the cache (docs/techniques.md). */
const inPlace = /^(cli|sti|pushf[dq]?|popf[dq]?)$/;

/** Reading a segment register is in place too; loading one, and control and debug registers, are not. */
const readsSegment = ({ row, operands: [to, from] }: Decoded): boolean =>
  [row.mnemonic === "push" ? to : undefined, row.mnemonic === "mov" ? from : undefined].some(
    (operand) => operand?.kind === "register" && operand.class === "segment",
  );

const ECX = 1;
const EDX = 2;

function isPassedThrough({ row, operands }: Decoded, { register }: Circumstances): boolean {
  if (row.mnemonic === "rdmsr" || row.mnemonic === "wrmsr") {
    const number = register?.(ECX);
    return number !== undefined && passthroughMsrs.includes(number);
  }
  if (row.mnemonic !== "in" && row.mnemonic !== "out") return false;
  const port = operands.find((operand) => operand.kind === "immediate");
  const known = port?.kind === "immediate" ? Number(port.value) : register?.(EDX);
  return known !== undefined && passthroughPorts.includes(known & 0xffff);
}

/** At CPL 3 what needs CPL 0 is the guest's own fault, before any exit; only what has no such check still leaves. */
const reachesMonitor = ({ row }: Decoded, cpl: number | undefined): boolean =>
  cpl === undefined || cpl === 0 || row.privilege === "none";

/** The intercept's name, with the number of the control or debug register in it. */
function interceptName({ row, operands }: Decoded): string {
  const register = operands.find((one) => one.kind === "register" && /^(control|debug)$/.test(one.class));
  const title = interceptOf(row) ?? "intercept";
  return register?.kind === "register" ? title.replace(/^(CR|DR)n/, `$1${register.number}`) : title;
}

function hardware(decoded: Decoded, technique: Technique, at: Circumstances): Prediction | undefined {
  if (isPassedThrough(decoded, at) || !reachesMonitor(decoded, at.cpl)) return undefined;
  const { exits } = decoded.row;
  const isAmd = technique.kernel === "svm-guest";
  const reason = isAmd ? `VMEXIT_${interceptName(decoded)}` : exits.kind === "never" ? "exit" : exits.reason;
  const rule = isAmd ? "the intercept is set" : exits.kind === "when" ? exits.control : "it always exits";
  return { outcome: "traps", crossing: "exit", reason, why: `It leaves the guest: ${rule}.` };
}

function translated(decoded: Decoded, outcome: Outcome, at: Circumstances): Prediction | undefined {
  // Processes run directly, and what is not translated is interpreted by the hypervisor, without a crossing for each.
  if (at.cpl === 3 || at.mode === "real" || at.mode === "long" || at.mode === "virtual-8086" || decoded.bits !== 32)
    return undefined;
  const isInPlace = inPlace.test(decoded.row.mnemonic) || readsSegment(decoded);
  if (outcome === "traps") return { outcome, crossing: "trap", reason: "#GP", why: "It runs as it is, and traps." };
  return isInPlace
    ? undefined
    : {
        outcome: "rewritten",
        crossing: "callout",
        reason: "callout",
        why: "The translation calls the hypervisor, which carries it out.",
      };
}

const trapped: Prediction = {
  outcome: "traps",
  crossing: "trap",
  reason: "#GP",
  why: "The kernel is not in ring 0, and the processor does not let it pass.",
};

const trappedCall: Prediction = {
  ...trapped,
  reason: "#UD",
  why: "The hypervisor keeps SYSCALL disabled (EFER.SCE is 0), as it would lead to the real ring 0.",
};

const xenCall = ({ row }: Decoded): Prediction => ({
  ...trapped,
  reason: row.mnemonic === "syscall" ? "SYSCALL" : "INT 82h",
  why: "It calls the hypervisor.",
});

/** Whether an instruction leaves the guest where it stands; undefined if it does not, or that cannot be said. */
export function predictionOf(decoded: Decoded, technique: Technique, at: Circumstances): Prediction | undefined {
  const outcome = outcomeOf(decoded, technique);
  if (outcome !== "traps" && outcome !== "rewritten") return undefined;
  switch (technique.kernel) {
    case "native":
      return undefined;
    case "vmx-non-root":
      // Without unrestricted guest, real mode is interpreted.
      return technique.memory === "shadow" && at.mode === "real" ? undefined : hardware(decoded, technique, at);
    case "svm-guest":
      return hardware(decoded, technique, at);
    case "translated":
      return translated(decoded, outcome, at);
    case "deprivileged":
      return decoded.bits === 16 || at.mode === "real" || at.mode === "virtual-8086"
        ? undefined
        : decoded.row.mnemonic === "syscall"
          ? trappedCall
          : trapped;
    case "hypercalls":
      if (isXenCall(decoded)) return xenCall(decoded);
      return ["none", "umip", "tsd"].includes(decoded.row.privilege) ? undefined : trapped;
  }
}

const reasonsOf = (row: Row): readonly string[] => {
  const intercept = interceptOf(row);
  return [...(row.exits.kind === "never" ? [] : [row.exits.reason]), ...(intercept ? [`VMEXIT_${intercept}`] : [])];
};

/** Reasons of exits that instructions make by what they are. Memory, interrupts and the hypervisor's own devices make others. */
const ownReasons = new Set(["#GP", "#UD", "callout", "INT 82h", "SYSCALL", ...rows.flatMap(reasonsOf)]);

/** Whether a measured exit is of the kind that `predictionOf` speaks of. */
export const isPredictable = (reason: string): boolean =>
  ownReasons.has(reason) || ownReasons.has(reason.replace(/^(VMEXIT_[CD]R)\d+/, "$1n"));

/** Cycles out to the hypervisor and back; what it does there is not in them. */
export function modelledCost({ crossing }: Prediction, costs: CostProfile): number {
  const { out, back } = crossingCost(costs, crossing);
  return out + back;
}
