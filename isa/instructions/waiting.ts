import { exitsWhen, innocuous, neverBecause, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { absent, resize, rowsOf } from "./forms.ts";

/** Waiting until an address range is written to (SDM Vol. 2, MONITOR, MWAIT, UMONITOR, UMWAIT, TPAUSE). */

const row = rowsOf("system");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "intel-sdm" });
const amd = neverBecause("it is AMD's instruction: on Intel processors it raises #UD");

const arming: RowFacts = {
  doc: "Watches the line at DS:rAX, for MWAIT.",
  feature: "MONITOR",
  privilege: "cpl0-ud",
  sensitivity: changes("changes which line of memory the processor watches"),
  exits: exitsWhen("MONITOR", "MONITOR exiting"),
  implicitMemory: true,
  semantics: (m) => m.call("monitorLine", resize(m, m.register(0, m.instruction.addressSize), 64), m.register(1, 32)),
};
const waiting: RowFacts = {
  doc: "Waits until the watched line is written to, or an interrupt comes.",
  feature: "MONITOR",
  privilege: "cpl0-ud",
  sensitivity: changes("gives up the processor, which others could use"),
  exits: exitsWhen("MWAIT", "MWAIT exiting"),
  semantics: (m) => m.call("monitorWait", m.register(1, 32)),
};

/** Operands may be written although they cannot be chosen. */
const written = { writtenOnly: true } as const;
const operands = (
  [
    ["EAX", "not-64"],
    ["RAX", "only-64"],
  ] as const
).flatMap(([address, modes]) => [
  row("o* NP 0F 01 C8", `MONITOR ${address}, ECX, EDX`, { ...arming, access: ["r", "r", "r"], modes, ...written }),
  row("o* NP 0F 01 FA", `MONITORX ${address}, ECX, EDX`, {
    ...monitorX(),
    access: ["r", "r", "r"],
    modes,
    ...written,
  }),
]);

function monitorX(): RowFacts {
  return {
    ...arming,
    doc: "As MONITOR, at any privilege level.",
    feature: "MONITORX",
    privilege: "none",
    sensitivity: innocuous,
    exits: amd,
    semantics: absent,
  };
}

function mwaitX(): RowFacts {
  return {
    ...waiting,
    doc: "As MWAIT, at any privilege level and with a time limit in EBX.",
    feature: "MONITORX",
    privilege: "none",
    sensitivity: innocuous,
    exits: amd,
    semantics: absent,
  };
}

const userMonitors = ([16, 32, 64] as const).map((width) =>
  row(`a${width} o* F3 0F AE /6`, `UMONITOR r${width}`, {
    doc: "Watches the line at DS:register, for UMWAIT.",
    feature: "WAITPKG",
    access: ["r"],
    modes: width === 64 ? "only-64" : width === 16 ? "not-64" : "all",
    semantics: absent,
  }),
);

const timed = (doc: string, reason: "UMWAIT" | "TPAUSE"): RowFacts => ({
  doc,
  feature: "WAITPKG",
  privilege: "tsd",
  sensitivity: {
    kind: "behaviour",
    by: ["location"],
    what: "waits by the host's time-stamp counter, no longer than the host's IA32_UMWAIT_CONTROL allows",
    cite: "intel-sdm",
  },
  exits: exitsWhen(reason, "enable user wait and pause, and RDTSC exiting"),
  semantics: absent,
});
const userWaits = (
  [
    ["F2", "UMWAIT", "Waits until the watched line is written to, or the time-stamp counter reaches EDX:EAX."],
    ["66", "TPAUSE", "Waits until the time-stamp counter reaches EDX:EAX."],
  ] as const
).flatMap(([prefix, mnemonic, doc]) => [
  row(`o* ${prefix} 0F AE /6`, `${mnemonic} r32`, { ...timed(doc, mnemonic), access: ["r"] }),
  row(`o64 ${prefix} 0F AE /6`, `${mnemonic} r64`, {
    ...timed(doc, mnemonic),
    access: ["r"],
    modes: "only-64",
    decodedOnly: true,
  }),
  row(`o* ${prefix} 0F AE /6`, `${mnemonic} r32, EDX, EAX`, {
    ...timed(doc, mnemonic),
    access: ["r", "r", "r"],
    ...written,
  }),
]);

export const waits: readonly Row[] = [
  row("NP 0F 01 C8", "MONITOR", arming),
  row("NP 0F 01 C9", "MWAIT", waiting),
  row("NP 0F 01 C9", "MWAIT EAX, ECX", { ...waiting, access: ["r", "r"], ...written }),
  row("NP 0F 01 FA", "MONITORX", monitorX()),
  row("NP 0F 01 FB", "MWAITX", mwaitX()),
  row("NP 0F 01 FB", "MWAITX EAX, ECX", { ...mwaitX(), access: ["r", "r"], ...written }),
  ...operands,
  ...userMonitors,
  ...userWaits,
];
