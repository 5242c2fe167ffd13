import type { Decoded } from "./operands.ts";

/** A hypercall of KVM (Linux, Documentation/virt/kvm/x86/hypercalls.rst). */
export interface KvmHypercall {
  readonly number: number;
  readonly name: string;
  /** In rBX, rCX, rDX, rSI. */
  readonly arguments: readonly string[];
  readonly doc: string;
}

/** Those that Ringside's hypervisors answer. */
export const answeredHypercalls = [
  {
    number: 1,
    name: "VAPIC_POLL_IRQ",
    arguments: [],
    doc: "Makes the host look for interrupts; it does so at every exit.",
  },
  {
    number: 5,
    name: "KICK_CPU",
    arguments: ["flags", "apicid"],
    doc: "Wakes a vCPU that has halted for a lock.",
  },
  {
    number: 9,
    name: "CLOCK_PAIRING",
    arguments: ["address", "type"],
    doc: "The host's time of day with the guest's time-stamp counter.",
  },
  {
    number: 10,
    name: "SEND_IPI",
    arguments: ["low", "high", "lowest", "command"],
    doc: "One interrupt to many vCPUs, by a bitmap of APIC IDs; gives how many got it.",
  },
  {
    number: 11,
    name: "SCHED_YIELD",
    arguments: ["apicid"],
    doc: "Gives the processor to another vCPU.",
  },
] as const satisfies readonly KvmHypercall[];

/** Known, and answered with ENOSYS. */
const absent: readonly KvmHypercall[] = [
  { number: 2, name: "MMU_OP", arguments: ["length", "address"], doc: "Page-table updates, long gone." },
  { number: 3, name: "FEATURES", arguments: [], doc: "Features, on other architectures." },
  { number: 4, name: "PPC_MAP_MAGIC_PAGE", arguments: [], doc: "On PowerPC." },
  {
    number: 12,
    name: "MAP_GPA_RANGE",
    arguments: ["address", "pages", "attributes"],
    doc: "Pages of encrypted guests.",
  },
];

export type AnsweredHypercall = (typeof answeredHypercalls)[number]["name"];

/** All that have a name, by number: the one list. */
export const kvmHypercalls: readonly KvmHypercall[] = [...answeredHypercalls, ...absent].sort(
  (a, b) => a.number - b.number,
);

export const isAnswered = (name: string): name is AnsweredHypercall =>
  answeredHypercalls.some((row) => row.name === name);

/** Xen's gate for hypercalls of 32-bit paravirtual guests; 64-bit ones use SYSCALL. */
const xenGate = 0x82n;

/** INT 82h. */
export const isXenGate = ({ row, operands: [vector] }: Pick<Decoded, "row" | "operands">): boolean =>
  row.mnemonic === "int" && vector?.kind === "immediate" && vector.value === xenGate;

/** The instruction by which a guest made for Xen calls it. */
export const isXenCall = (decoded: Pick<Decoded, "row" | "operands" | "bits">): boolean =>
  decoded.bits === 64 ? decoded.row.mnemonic === "syscall" : isXenGate(decoded);
