import { neverBecause, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { absent, accumulator, rowsOf, words } from "./forms.ts";

/** AMD's virtualization (APM Vol. 3, chapter 4): on Intel's processors and on ours all of these raise #UD. */

const row = rowsOf("vmx");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "popek-goldberg" });
const amd = neverBecause("it is AMD's instruction: on Intel processors it raises #UD");

const facts = (doc: string, what: string, more: Partial<RowFacts> = {}): RowFacts => ({
  doc,
  feature: "SVM",
  privilege: "cpl0",
  sensitivity: changes(what),
  exits: amd,
  semantics: absent,
  ...more,
});

/** Those that take the address of a VMCB in rAX, of the address size. */
const withVmcb = [
  row("0F 01 D8", "VMRUN", facts("Runs the guest of the VMCB at rAX.", "runs a guest on the processor")),
  row(
    "0F 01 DA",
    "VMLOAD",
    facts("Loads further guest state from the VMCB at rAX.", "loads segment and system-call state"),
  ),
  row(
    "0F 01 DB",
    "VMSAVE",
    facts("Saves further guest state to the VMCB at rAX.", "stores segment and system-call state"),
  ),
].map((plain) => ({ ...plain, implicitMemory: true }));

const invalidation = facts(
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
  row("0F 01 DC", "STGI", facts("Sets the global interrupt flag.", "changes whether the processor takes interrupts")),
  row("0F 01 DD", "CLGI", facts("Clears the global interrupt flag.", "changes whether the processor takes interrupts")),
  row(
    "0F 01 DE",
    "SKINIT",
    facts("Starts a measured loader whose address is in EAX.", "starts code as if after a reset"),
  ),
  row("NP 0F 01 D9", "VMMCALL", {
    doc: "Calls the virtual machine monitor on AMD processors; #UD on Intel's.",
    exits: amd,
    semantics: (m) => m.call("vmmcall"),
  }),
];
