import { type InstructionIntercept, neverBecause, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { absent, accumulator, rowsOf, words } from "./forms.ts";

/** AMD's virtualization (APM Vol. 3, chapter 4): on Intel's processors and on ours all of these raise #UD. */

const row = rowsOf("vmx");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "popek-goldberg" });
const amd = neverBecause("it is AMD's instruction: on Intel processors it raises #UD");

const facts = (intercept: InstructionIntercept, doc: string, what: string): RowFacts => ({
  doc,
  intercept,
  feature: "SVM",
  privilege: "cpl0",
  sensitivity: changes(what),
  exits: amd,
  semantics: absent,
});

/** Those that take the address of a VMCB in rAX, of the address size. */
const withVmcb = [
  row("0F 01 D8", "VMRUN", facts("VMRUN", "Runs the guest of the VMCB at rAX.", "runs a guest on the processor")),
  row(
    "0F 01 DA",
    "VMLOAD",
    facts("VMLOAD", "Loads further guest state from the VMCB at rAX.", "loads segment and system-call state"),
  ),
  row(
    "0F 01 DB",
    "VMSAVE",
    facts("VMSAVE", "Saves further guest state to the VMCB at rAX.", "stores segment and system-call state"),
  ),
].map((plain) => ({ ...plain, implicitMemory: true }));

const invalidation = facts(
  "INVLPGA",
  "Removes the translation of the page at rAX in the address space ECX from the TLB.",
  "changes the translations that the processor holds",
);
const named = words.map((width) =>
  row(`a${width} o* 0F 01 DF`, `INVLPGA ${accumulator[width]}, ECX`, {
    ...invalidation,
    access: ["r", "r"],
    modes: width === 64 ? "only-64" : width === 16 ? "not-64" : "all",
    writtenOnly: true,
  }),
);

export const svm: readonly Row[] = [
  ...withVmcb,
  row("0F 01 DF", "INVLPGA", { ...invalidation, implicitMemory: true }),
  ...named,
  row(
    "0F 01 DC",
    "STGI",
    facts("STGI", "Sets the global interrupt flag.", "changes whether the processor takes interrupts"),
  ),
  row(
    "0F 01 DD",
    "CLGI",
    facts("CLGI", "Clears the global interrupt flag.", "changes whether the processor takes interrupts"),
  ),
  row(
    "0F 01 DE",
    "SKINIT",
    facts("SKINIT", "Starts a measured loader whose address is in EAX.", "starts code as if after a reset"),
  ),
  row("NP 0F 01 D9", "VMMCALL", {
    doc: "Calls the virtual machine monitor on AMD processors; #UD on Intel's.",
    exits: amd,
    intercept: "VMMCALL",
    semantics: (m) => m.call("vmmcall"),
  }),
];
