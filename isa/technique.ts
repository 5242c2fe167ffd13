/** The ways of virtualizing a guest that Ringside knows; the same ids in settings, command line, traces and docs. */
export interface Technique {
  readonly id: string;
  readonly title: string;
  /** One sentence for menus and hovers. */
  readonly doc: string;
  /** How the guest kernel runs: decides which sensitive instructions are harmless (Popek and Goldberg 1974). */
  readonly kernel: "native" | "deprivileged" | "translated" | "hypercalls" | "vmx-non-root" | "svm-guest";
  readonly memory: "physical" | "shadow" | "direct" | "nested";
}

export const techniques = [
  {
    id: "bare-metal",
    title: "Bare metal",
    doc: "No hypervisor: the guest owns the machine at CPL 0.",
    kernel: "native",
    memory: "physical",
  },
  {
    id: "trap-and-emulate",
    title: "Trap and emulate",
    doc: "The guest kernel runs at CPL 1, in long mode at CPL 3; what traps is emulated, and what does not trap goes wrong silently.",
    kernel: "deprivileged",
    memory: "shadow",
  },
  {
    id: "binary-translation",
    title: "Binary translation",
    doc: "Guest kernel code is translated to safe code before it runs.",
    kernel: "translated",
    memory: "shadow",
  },
  {
    id: "paravirtualization",
    title: "Paravirtualization",
    doc: "The guest is changed to call the hypervisor instead of using sensitive instructions.",
    kernel: "hypercalls",
    memory: "direct",
  },
  {
    id: "vtx-shadow",
    title: "VT-x with shadow paging",
    doc: "The guest runs in VMX non-root operation; its page tables are shadowed.",
    kernel: "vmx-non-root",
    memory: "shadow",
  },
  {
    id: "vtx-ept",
    title: "VT-x with EPT",
    doc: "The guest runs in VMX non-root operation; the processor walks guest and extended page tables.",
    kernel: "vmx-non-root",
    memory: "nested",
  },
  {
    id: "svm-shadow",
    title: "AMD-V with shadow paging",
    doc: "The guest runs under VMRUN; its page tables are shadowed.",
    kernel: "svm-guest",
    memory: "shadow",
  },
  {
    id: "svm-npt",
    title: "AMD-V with nested paging",
    doc: "The guest runs under VMRUN; the processor walks guest and nested page tables.",
    kernel: "svm-guest",
    memory: "nested",
  },
] as const satisfies readonly Technique[];

export type TechniqueId = (typeof techniques)[number]["id"];

export const defaultTechnique: TechniqueId = "vtx-ept";

export const techniqueById = (id: string): Technique | undefined => techniques.find((t) => t.id === id);
