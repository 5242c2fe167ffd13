/** How views write numbers and colour what happens: the same in each. */

/** One accent for each kind of exit, the same in every view. */
const accents: readonly (readonly [RegExp, string])[] = [
  [/^(IO_|APIC|VIRTUALIZED_EOI|VMEXIT_IOIO)/, "blue"],
  [/^(TRIPLE_FAULT|VMENTRY_FAILURE|EPT_MISCONFIGURATION|VMEXIT_(SHUTDOWN|INVALID))/, "red"],
  [/^(EPT_|#PF|EXCEPTION_NMI #PF|INVLPG|PML|SPP|VMEXIT_(NPF|EXCP14|INVLPG)$)/, "orange"],
  [/^(VMCALL|VMEXIT_VMMCALL|INT 82h|SYSCALL hypercall)/, "green"],
  [
    /^(EXTERNAL_INTERRUPT|INTERRUPT_WINDOW|NMI|VMX_PREEMPTION|EXCEPTION_NMI|INT |#|TIMER|EVENT_CHECK|VMEXIT_(V?INTR|NMI|EXCP))/,
    "yellow",
  ],
];

/** Reasons are few, and exits are many. */
const known = new Map<string, string>();

/** @param reason as `exitName` tells them apart */
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

/** A part of a whole in percent. What is there is never 0 %. */
export function percent(part: number, whole: number): string {
  const share = whole > 0 ? (100 * part) / whole : 0;
  if (share === 0) return "0 %";
  if (share < 0.1) return "<0.1 %";
  return `${share.toFixed(share < 9.95 ? 1 : 0)} %`;
}

/** 1234 → "1.2 k": cycles for people. */
export function cycles(count: number): string {
  if (count < 1000) return `${count}`;
  const [value, unit] = count < 1e6 ? [count / 1e3, "k"] : count < 1e9 ? [count / 1e6, "M"] : [count / 1e9, "G"];
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${unit}`;
}
