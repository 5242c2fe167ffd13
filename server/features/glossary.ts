import type { Technique } from "../../isa/technique.ts";
import type { Analysis } from "../documents.ts";

/** Sections of docs/glossary.md that are linked to, by their anchors. */
export const terms = [
  "behaviour-sensitive-instruction",
  "binary-translation",
  "control-sensitive-instruction",
  "cpl",
  "ept",
  "innocuous-instruction",
  "intercept",
  "long-mode",
  "nested-paging",
  "paravirtualization",
  "popek-and-goldberg",
  "privileged-instruction",
  "protected-mode",
  "real-mode",
  "shadow-page-table",
  "the-17-instructions",
  "trap-and-emulate",
  "virtual-8086-mode",
  "vm-exit",
] as const;

export type Term = (typeof terms)[number];

/** Links a text to where a term is explained. */
export type Linker = (term: Term, text: string) => string;

/** Makes words of a hover links to the glossary, where it is known where that is. */
export const linker =
  ({ documentation }: Pick<Analysis, "documentation">): Linker =>
  (term, text) =>
    documentation === undefined ? text : `[${text}](${documentation}glossary.md#${term})`;

const kernels: Partial<Readonly<Record<Technique["kernel"], Term>>> = {
  deprivileged: "trap-and-emulate",
  translated: "binary-translation",
  hypercalls: "paravirtualization",
};

/** The term by which a technique is told from others; undefined of the bare machine. */
export function termOf({ kernel, memory }: Technique): Term | undefined {
  if (kernel !== "vmx-non-root" && kernel !== "svm-guest") return kernels[kernel];
  if (memory === "shadow") return "shadow-page-table";
  return kernel === "svm-guest" ? "nested-paging" : "ept";
}
