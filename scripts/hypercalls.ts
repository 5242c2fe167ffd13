/** Writes docs/hypercalls.md: Xen's and KVM's hypercalls as the tables have them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { features } from "../emulator/vmm/kvm/features.ts";
import { kvmMsrs } from "../emulator/vmm/kvm/msrs.ts";
import type { Argument, Operations } from "../emulator/vmm/xen/call.ts";
import { eventCallOperations } from "../emulator/vmm/xen/event-calls.ts";
import { grantOperations } from "../emulator/vmm/xen/grants.ts";
import { hypercalls } from "../emulator/vmm/xen/hypercalls.ts";
import { memoryOperations } from "../emulator/vmm/xen/memory-op.ts";
import { extensions } from "../emulator/vmm/xen/mmuext-op.ts";
import { processorOperations } from "../emulator/vmm/xen/processor-calls.ts";
import { isAnswered, kvmHypercalls } from "../isa/hypercalls.ts";

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  row(head) + row(head.map(() => "---")) + rows.map(row).join("");

const argumentsText = (list: readonly Argument[]): string =>
  list.map((argument) => (typeof argument === "string" ? argument : `${argument.wide} (64 bits)`)).join(", ");

const xenRows = hypercalls.map(({ number, name, arguments: list, arguments32, doc, handler }) => [
  `${number}`,
  `\`${name}\``,
  argumentsText(list) + (arguments32 ? ` (32-bit: ${argumentsText(arguments32)})` : ""),
  handler ? doc : `${doc} **-ENOSYS**`,
]);

const families: Readonly<Record<string, Readonly<Record<number, { name: string; there: boolean }>>>> =
  Object.fromEntries(
    Object.entries<Operations>({
      memory_op: memoryOperations,
      grant_table_op: grantOperations,
      ...processorOperations,
      ...eventCallOperations,
    }).map(([name, operations]) => [
      name,
      Object.fromEntries(
        Object.entries(operations).map(([number, { name: operation, handler }]) => [
          number,
          { name: operation, there: handler !== undefined },
        ]),
      ),
    ]),
  );

const operationRows = [
  [
    "mmuext_op",
    Object.entries(extensions).map(([number, { name, run }]) => [number, name, run !== undefined] as const),
  ],
  ...Object.entries(families).map(
    ([family, list]) =>
      [family, Object.entries(list).map(([number, { name, there }]) => [number, name, there] as const)] as const,
  ),
] as const;

const listed = (list: readonly (readonly [string, string, boolean])[], there: boolean): string =>
  list
    .filter(([, , has]) => has === there)
    .map(([number, name]) => `${number} ${name}`)
    .join(", ") || "none";

const featuresText = (there: boolean): string =>
  features
    .filter((feature) => feature.there === there)
    .map(({ bit, name }) => `${name} (${bit})`)
    .join(", ");

export const hypercallsText = `# Hypercalls

Written by \`node scripts/hypercalls.ts\` from the tables that the hypervisors work by. Each call is a \`hypercall\` event
with its arguments by name, decoded, the result, and where it is refused the reason in words.

## Xen

32-bit guests: number in EAX, arguments in EBX, ECX, EDX, ESI, EDI, then INT 82h at CPL 1. 64-bit guests: number in RAX,
arguments in RDI, RSI, RDX, R10, R8, then SYSCALL in kernel mode; RCX and R11 are changed. The result comes back in rAX;
errors are negative. A guest that wants the hypercall page has a text in its image that begins with \`GUEST_OS=\` and has
\`HYPERCALL_PAGE=0x…\` (a page number) in it, or writes the machine address of a frame to MSR 40000000h; entry n is at 32·n.

${table(["Number", "Name", "Arguments", "What it does"], xenRows)}
Of those with operations:

${table(
  ["Hypercall", "There", "-ENOSYS"],
  operationRows.map(([family, list]) => [`\`${family}\``, listed(list, true), listed(list, false)]),
)}
## KVM

For guests under VT-x and AMD-V. CPUID 40000000h says KVMKVMKVM. Number in rAX, arguments in rBX, rCX, rDX, rSI (32 bits
outside 64-bit code), then VMCALL or VMMCALL at CPL 0 (else -1, EPERM). The result comes back in rAX; -1000 is ENOSYS.

${table(
  ["Number", "Name", "Arguments", "What it does"],
  kvmHypercalls.map(({ number, name, arguments: list, doc }) => [
    `${number}`,
    `\`${name}\``,
    list.join(", "),
    isAnswered(name) ? doc : `${doc} **-ENOSYS**`,
  ]),
)}
Registers, by RDMSR and WRMSR:

${table(
  ["Number", "Name", "What it is for"],
  kvmMsrs.map(({ numbers, name, doc }) => [
    numbers.map((number) => `${number.toString(16).toUpperCase()}h`).join(", "),
    `\`${name}\``,
    doc,
  ]),
)}
Features in EAX of CPUID 40000001h: ${featuresText(true)}. Not there: ${featuresText(false)}.
`;

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "..", "docs", "hypercalls.md"), hypercallsText);
  console.log("wrote docs/hypercalls.md");
}
