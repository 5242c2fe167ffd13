import type { Assembly, InstructionMention, Problem } from "../../assembler/index.ts";
import type { Row } from "../../isa/instruction.ts";
import { type TechniqueId, techniqueById } from "../../isa/technique.ts";
import { flowOf } from "../analysis/flow.ts";

/** What a kernel made for Xen does instead of a privileged instruction, and what comes of the instruction. */
interface Operation {
  readonly happens: string;
  readonly instead: string;
}

const fault = "it raises #GP, which is the guest's own";
const nothing = "it does nothing if the guest's IOPL allows it, else it raises #GP";

/** As docs/techniques.md has it; IN, OUT, MOV CRn, CLTS, RDMSR, WRMSR, WBINVD and RDTSC are carried out by Xen. */
const operations: Readonly<Record<string, Operation>> = {
  lgdt: { happens: fault, instead: "set_gdt (2)" },
  lidt: { happens: fault, instead: "set_trap_table (0)" },
  lldt: { happens: fault, instead: "mmuext_op (26), MMUEXT_SET_LDT" },
  ltr: { happens: fault, instead: "stack_switch (3): Xen's task state segment has the kernel's stack" },
  invlpg: { happens: fault, instead: "mmuext_op (26), MMUEXT_INVLPG_LOCAL" },
  hlt: { happens: fault, instead: "sched_op (29), block (1)" },
  cli: { happens: nothing, instead: "evtchn_upcall_mask = 1 in vcpu_info" },
  sti: { happens: nothing, instead: "evtchn_upcall_mask = 0 in vcpu_info, then deliver what is pending" },
  popf: { happens: "it leaves IF as it is, without a trap", instead: "evtchn_upcall_mask in vcpu_info" },
};

const nameOf = ({ mnemonic }: Row): string => mnemonic.replace(/^popf[dq]$/, "popf");

/** sched_op(block) for a 32-bit or 64-bit guest, with the registers it uses saved. */
const blocks: Partial<Readonly<Record<InstructionMention["bits"], readonly string[]>>> = {
  32: [
    "push eax",
    "push ebx",
    "push ecx",
    "mov eax, 29",
    "mov ebx, 1",
    "xor ecx, ecx",
    "int 82h",
    "pop ecx",
    "pop ebx",
    "pop eax",
  ],
};

function fixesOf({ row, bits, range }: InstructionMention): Problem["fixes"] {
  const lines = row?.mnemonic === "hlt" ? blocks[bits] : undefined;
  return lines && [{ title: "Call sched_op(block)", edits: [{ range, text: lines.join("\n        ") }] }];
}

/** Instructions of a kernel under paravirtualization in whose place Xen has a hypercall or a word in shared memory. */
export function paravirtualOperation(assembly: Assembly, technique: TechniqueId | undefined): Problem[] {
  if (!technique || techniqueById(technique)?.kernel !== "hypercalls") return [];
  const operated = assembly.mentionsOf((row) => nameOf(row) in operations);
  if (operated.length === 0) return [];
  const flow = flowOf(assembly);
  // In 64-bit guests kernel and processes both run at CPL 3, and cannot be told apart.
  const isProcess = (mention: InstructionMention) => mention.bits === 32 && flow.at(mention)?.cpl === 3;
  return operated
    .filter((mention) => !isProcess(mention))
    .map((mention) => {
      const { happens, instead } = operations[nameOf(mention.row!)]!;
      const fixes = fixesOf(mention);
      const message = `Under paravirtualization ${happens}. Use ${instead}. (Barham et al., SOSP 2003, section 3; docs/hypercalls.md.)`;
      const severity = nameOf(mention.row!) === "popf" ? "information" : "warning";
      return { code: "paravirtual-operation", severity, message, range: mention.range, ...(fixes && { fixes }) };
    });
}
