import {
  always,
  type Exits,
  exitsWhen,
  type InstructionExit,
  type Row,
  type RowFacts,
  type Sensitivity,
} from "../instruction.ts";
import type { VmxCall } from "../system.ts";
import { absent, rowsOf } from "./forms.ts";
import { svm } from "./svm.ts";

const row = rowsOf("vmx");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "intel-sdm" });
const reveals = (what: string): Sensitivity => ({ kind: "behaviour", by: ["location"], what, cite: "intel-sdm" });

/** Instructions of VMX root operation; outside VMX operation all but VMXON raise #UD. */
const root = (
  doc: string,
  call: VmxCall,
  sensitivity: Sensitivity,
  exits: InstructionExit | Exits,
  more: Partial<RowFacts> = {},
): RowFacts => ({
  doc,
  feature: "VMX",
  privilege: "cpl0",
  protectedOnly: true,
  sensitivity,
  exits: typeof exits === "string" ? always(exits) : exits,
  semantics: (m) => m.call(call),
  ...more,
});

const operation = [
  row(
    "F3 0F C7 /6",
    "VMXON m",
    root(
      "Enters VMX root operation, with the VMXON region at that address.",
      "vmxOn",
      changes("enters VMX operation"),
      "VMXON",
      {
        access: ["r"],
      },
    ),
  ),
  row("NP 0F 01 C4", "VMXOFF", root("Leaves VMX operation.", "vmxOff", changes("leaves VMX operation"), "VMXOFF")),
  row(
    "NP 0F 01 C2",
    "VMLAUNCH",
    root(
      "Enters the guest of a VMCS for the first time.",
      "vmLaunch",
      changes("runs a guest on the processor"),
      "VMLAUNCH",
    ),
  ),
  row(
    "NP 0F 01 C3",
    "VMRESUME",
    root("Enters the guest of a VMCS again.", "vmResume", changes("runs a guest on the processor"), "VMRESUME"),
  ),
];

const pointers = [
  row(
    "66 0F C7 /6",
    "VMCLEAR m",
    root(
      "Writes a VMCS back to memory and makes it inactive.",
      "vmClear",
      changes("makes a VMCS inactive"),
      "VMCLEAR",
      {
        access: ["r"],
      },
    ),
  ),
  row(
    "NP 0F C7 /6",
    "VMPTRLD m",
    root("Makes a VMCS the current one.", "vmPointerLoad", changes("changes which VMCS is current"), "VMPTRLD", {
      access: ["r"],
    }),
  ),
  row(
    "NP 0F C7 /7",
    "VMPTRST m",
    root(
      "Stores the address of the current VMCS.",
      "vmPointerStore",
      reveals("stores the address of the monitor's VMCS"),
      "VMPTRST",
      {
        access: ["w"],
      },
    ),
  ),
];

const shadowed = (name: "VMREAD" | "VMWRITE"): Exits =>
  exitsWhen(name, `VMCS shadowing off, or the ${name} bitmap's bit of the field`);

/** Operands have the width of the mode, without prefixes. */
const fields = ([32, 64] as const).flatMap((width) => {
  const modes = { modes: width === 64 ? "only-64" : "not-64" } as const;
  const read = root(
    "Reads a field of the current VMCS.",
    "vmRead",
    reveals("reads the monitor's VMCS"),
    shadowed("VMREAD"),
    {
      access: ["w", "r"],
      ...modes,
    },
  );
  const write = root(
    "Writes a field of the current VMCS.",
    "vmWrite",
    changes("changes the monitor's VMCS"),
    shadowed("VMWRITE"),
    {
      access: ["r", "r"],
      ...modes,
    },
  );
  const invalidate = (what: string) =>
    root(
      `Removes translations of ${what} from the TLB, as type and descriptor say.`,
      what === "a VPID" ? "invalidateVirtualProcessor" : "invalidateExtended",
      changes("changes the translations that the processor holds"),
      what === "a VPID" ? "INVVPID" : "INVEPT",
      { access: ["r", "r"], ...modes },
    );
  return [
    row("o* NP 0F 78 /r", `VMREAD r/m${width}, r${width}`, read),
    row("o* NP 0F 79 /r", `VMWRITE r${width}, r/m${width}`, write),
    row("o* 66 0F 38 80 /r", `INVEPT r${width}, m128`, invalidate("extended page tables")),
    row("o* 66 0F 38 81 /r", `INVVPID r${width}, m128`, invalidate("a VPID")),
  ];
});

const calls = [
  row("NP 0F 01 C1", "VMCALL", {
    doc: "Calls the virtual machine monitor; #UD where there is none.",
    exits: always("VMCALL"),
    semantics: (m) => m.call("vmcall"),
  }),
  row("NP 0F 01 D4", "VMFUNC", {
    doc: "Runs the VM function EAX that the monitor has enabled, such as switching to another EPT.",
    feature: "VMX",
    exits: exitsWhen("VMFUNC", "enable VM functions, and the function or its argument is not allowed"),
    semantics: (m) => m.call("vmFunction"),
  }),
];

/** Safer mode extensions. */
const measured = [
  // Its leaf functions that change anything ask for CPL 0.
  row("NP 0F 37", "GETSEC", {
    doc: "Runs a leaf function of safer mode extensions, by EAX: enters or leaves a measured environment.",
    feature: "SMX",
    privilege: "cpl0",
    sensitivity: changes("enters or leaves authenticated-code execution"),
    exits: always("GETSEC"),
    semantics: absent,
  }),
  // More privileged than CPL 0: only in system-management mode, whose code runs at CPL 0 and above everyone.
  row("0F AA", "RSM", {
    doc: "Returns from system-management mode; #UD outside it.",
    feature: "SMM",
    privilege: "cpl0-ud",
    sensitivity: changes("loads all of the processor's state from memory"),
    exits: exitsWhen("RSM", "in system-management mode"),
    semantics: absent,
  }),
];

export const vmx: readonly Row[] = [...operation, ...pointers, ...fields, ...calls, ...measured, ...svm];
