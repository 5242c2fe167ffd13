import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import { isAnswered, isXenGate, kvmHypercalls } from "../../isa/hypercalls.ts";
import type { Row } from "../../isa/instruction.ts";
import { type Technique, type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { flowOf } from "../analysis/flow.ts";
import { isHypercall, isHypervisor } from "./unchecked-hypercall.ts";

type Found = Pick<Problem, "severity" | "message" | "fixes">;

const replaced = (mention: InstructionMention, text: string): NonNullable<Problem["fixes"]> => [
  { title: `Use ${text.toUpperCase()}`, edits: [{ range: mention.range, text }] },
];

/** The instruction of the other vendor: the hypervisor has to take its #UD. */
function otherVendor(mention: InstructionMention, kernel: Technique["kernel"]): Found | undefined {
  const own = kernel === "svm-guest" ? "vmmcall" : "vmcall";
  if (mention.row!.mnemonic === own) return undefined;
  const vendor = kernel === "svm-guest" ? "AMD-V" : "VT-x";
  return {
    severity: "information",
    message: `Under ${vendor} the hypercall instruction is ${own.toUpperCase()}; this one raises #UD there, which KVM takes for the call, at the cost of an exception.`,
    fixes: replaced(mention, own),
  };
}

const argumentRegisters = [3, 1, 2, 6] as const;
const names = ["rAX", "rCX", "rDX", "rBX", "rSP", "rBP", "rSI", "rDI"];
/** Registers in which other conventions (Xen's for 64 bits, System V) have the first argument. */
const elsewhere = new Set([7, 8, 10]);
const looksBack = 8;

/** Registers written in straight code before a call. */
function writtenBefore(mentions: readonly InstructionMention[], n: number): Set<number> {
  const written = new Set<number>();
  for (let at = n - 1; at >= Math.max(0, n - looksBack); at--) {
    const { row, decoded } = mentions[at]!;
    if (!row || /^(call|ret|vmcall|vmmcall|int|syscall|cpuid|j.*)$/.test(row.mnemonic)) break;
    const [to] = decoded?.operands ?? [];
    if (to?.kind === "register" && to.class === "general" && row.access[0] !== "r") written.add(to.number);
  }
  return written;
}

/** A call that KVM does not know, or with its arguments in registers of another convention. */
function wrongCall(mentions: readonly InstructionMention[], n: number, number: number | undefined): Found | undefined {
  if (number === undefined) return undefined;
  const call = kvmHypercalls.find((row) => row.number === number);
  if (!call || !isAnswered(call.name)) {
    const what = call ? `${call.name} (${number})` : `no hypercall ${number}`;
    return {
      severity: "information",
      message: `KVM answers -1000 (ENOSYS): there is ${call ? "no " : ""}${what}. docs/hypercalls.md has the list.`,
    };
  }
  const wanted = argumentRegisters.slice(0, call.arguments.length);
  const written = writtenBefore(mentions, n);
  const isElsewhere = [...written].some((register) => elsewhere.has(register) && !wanted.includes(register as 3));
  if (wanted.length === 0 || written.has(wanted[0]!) || !isElsewhere) return undefined;
  const places = call.arguments.map((name, at) => `${name} in ${names[wanted[at]!]}`).join(", ");
  return { severity: "warning", message: `KVM takes the arguments of ${call.name} elsewhere: ${places}.` };
}

function underHardware(assembly: Assembly, kernel: Technique["kernel"]): Problem[] {
  const calls = new Set(assembly.mentionsOf(isHypercall));
  if (calls.size === 0 || isHypervisor(assembly)) return [];
  const flow = flowOf(assembly);
  const { mentions } = assembly;
  return mentions.flatMap((mention, n) => {
    if (!calls.has(mention)) return [];
    const known = flow.at(mention);
    const ring: Found | undefined =
      known?.cpl !== undefined && known.cpl > 0
        ? { severity: "warning", message: `KVM answers -1 (EPERM): only CPL 0 may call, and this is CPL ${known.cpl}.` }
        : undefined;
    const found = [otherVendor(mention, kernel), ring ?? wrongCall(mentions, n, known?.register(0))];
    return found.flatMap((one) => (one ? [{ code: "wrong-hypercall", ...one, range: mention.range }] : []));
  });
}

const mayBeGate = ({ mnemonic }: Row): boolean => mnemonic === "int";
/** Xen's paravirtual guests: INT 82h with 32 bits, SYSCALL with 64. */
function underXen(assembly: Assembly): Problem[] {
  const instruction = (bits: number) => (bits === 64 ? "syscall" : "int 82h");
  const wrong = (mention: InstructionMention): Problem => ({
    code: "wrong-hypercall",
    severity: "warning",
    message: `A ${mention.bits}-bit guest calls Xen by ${instruction(mention.bits).toUpperCase()}; ${mention.mnemonic.toUpperCase()} does not get there.`,
    range: mention.range,
    fixes: replaced(mention, instruction(mention.bits)),
  });
  return [
    ...assembly.mentionsOf(isHypercall).map(wrong),
    ...assembly
      .mentionsOf(mayBeGate)
      .filter((mention) => mention.bits === 64 && mention.decoded !== undefined && isXenGate(mention.decoded))
      .map(wrong),
  ];
}

/** Hypercalls that the hypervisor of the technique does not take, or not as they are made. */
export function wrongHypercall(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  const kernel = technique && techniqueById(technique)?.kernel;
  if (kernel === "hypercalls") return underXen(assembly);
  return kernel === "vmx-non-root" || kernel === "svm-guest" ? underHardware(assembly, kernel) : [];
}
