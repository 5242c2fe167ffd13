/** How views write numbers and colour what happens: the same in each. */

/** One accent for each kind of exit, the same in every view. */
const accents: readonly (readonly [RegExp, string])[] = [
  [/^(IO_|APIC|VIRTUALIZED_EOI|VMEXIT_IOIO)/, "blue"],
  [/^(EPT_|#PF|INVLPG|PML|SPP|VMEXIT_(NPF|EXCP14|INVLPG)$)/, "orange"],
  [/^(VMCALL|VMEXIT_VMMCALL)/, "green"],
  [
    /^(EXTERNAL_INTERRUPT|INTERRUPT_WINDOW|NMI_WINDOW|VMX_PREEMPTION|EXCEPTION_NMI|INT |VMEXIT_(V?INTR|NMI|EXCP))/,
    "yellow",
  ],
  [/^(TRIPLE_FAULT|VMENTRY_FAILURE|EPT_MISCONFIGURATION|VMEXIT_(SHUTDOWN|INVALID))/, "red"],
];

/** Reasons are few, and exits are many. */
const known = new Map<string, string>();

export function accent(reason: string): string {
  const colour = known.get(reason) ?? accents.find(([pattern]) => pattern.test(reason))?.[1] ?? "purple";
  known.set(reason, colour);
  return colour;
}

/** What the accents stand for, in the order of a legend. */
export const accentNames = [
  ["blue", "I/O"],
  ["orange", "memory"],
  ["green", "hypercalls"],
  ["yellow", "interrupts and exceptions"],
  ["red", "failures"],
  ["purple", "all other"],
] as const;

/** 1234 → "1.2 k": cycles for people. */
export function cycles(count: number): string {
  if (count < 1000) return `${count}`;
  const [value, unit] = count < 1e6 ? [count / 1e3, "k"] : count < 1e9 ? [count / 1e6, "M"] : [count / 1e9, "G"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}
