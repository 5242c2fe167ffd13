import { always, exitsWhen, neverBecause, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { amd } from "./amd.ts";
import { caches as cacheInstructions } from "./caches.ts";
import { controlRegisters } from "./control-registers.ts";
import { descriptorTables } from "./descriptor-tables.ts";
import { enforcement } from "./enforcement.ts";
import { extendedState } from "./extended-state.ts";
import { memory, offsetBy, registerPair, resize, rowsOf, setRegisterPair } from "./forms.ts";
import { randomNumbers } from "./random-numbers.ts";
import { recent } from "./recent.ts";
import { reserved } from "./reserved.ts";
import { transactions } from "./transactions.ts";
import { waits } from "./waiting.ts";

const row = rowsOf("system");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "popek-goldberg" });
const reveals = (what: string): Sensitivity => ({ kind: "behaviour", by: ["location"], what, cite: "intel-sdm" });

const processorNumber = (width: 32 | 64): RowFacts => ({
  doc: "Reads the processor's number.",
  feature: "RDPID",
  access: ["w"],
  sensitivity: reveals("reads the number of the host's processor"),
  semantics: (m, destination) => m.write(destination, m.zeroExtend(m.call("processorId"), width)),
});

const modelSpecific = [
  row("0F 32", "RDMSR", {
    doc: "Reads the model-specific register ECX into EDX:EAX.",
    privilege: "cpl0",
    sensitivity: reveals("reads a model-specific register of the host"),
    exits: exitsWhen("RDMSR", "use MSR bitmaps: its bit, or no bitmaps"),
    semantics: (m) => setRegisterPair(m, 2, 0, m.call("readMsr", m.register(1, 32))),
  }),
  row("0F 30", "WRMSR", {
    doc: "Writes EDX:EAX to the model-specific register ECX.",
    privilege: "cpl0",
    sensitivity: changes("changes a model-specific register of the host"),
    exits: exitsWhen("WRMSR", "use MSR bitmaps: its bit, or no bitmaps"),
    semantics: (m) => m.call("writeMsr", m.register(1, 32), registerPair(m, 2, 0)),
  }),
  row("0F 31", "RDTSC", {
    doc: "Reads the time-stamp counter into EDX:EAX.",
    privilege: "tsd",
    sensitivity: reveals("reads the host's time, in which the guest was not always running"),
    exits: exitsWhen("RDTSC", "RDTSC exiting"),
    semantics: (m) => setRegisterPair(m, 2, 0, m.call("timeStamp")),
  }),
  row("0F 01 F9", "RDTSCP", {
    doc: "Reads the time-stamp counter into EDX:EAX and the processor's number into ECX.",
    privilege: "tsd",
    sensitivity: reveals("reads the host's time and the number of the host's processor"),
    exits: exitsWhen("RDTSCP", "RDTSC exiting"),
    semantics: (m) => {
      setRegisterPair(m, 2, 0, m.call("timeStamp"));
      m.setRegister(1, m.call("processorId"));
    },
  }),
  row("o* F3 0F C7 /7", "RDPID r32", { ...processorNumber(32), modes: "not-64" }),
  row("o* F3 0F C7 /7", "RDPID r64", { ...processorNumber(64), modes: "only-64" }),
  row("o* F3 0F C7 /7", "RDPID r32", { ...processorNumber(32), modes: "only-64", writtenOnly: true }),
  row("0F 33", "RDPMC", {
    doc: "Reads the performance counter ECX into EDX:EAX.",
    privilege: "pce",
    sensitivity: reveals("reads what the host's performance counters counted"),
    exits: exitsWhen("RDPMC", "RDPMC exiting"),
    semantics: (m) => setRegisterPair(m, 2, 0, m.call("readCounter", m.register(1, 32))),
  }),
];

const caches: Omit<RowFacts, "doc" | "exits" | "semantics"> = {
  privilege: "cpl0",
  sensitivity: changes("acts on the caches of the whole machine"),
};

/** The descriptor has the PCID in bits 11:0 and the linear address in its upper half. */
const invalidate = (width: 32 | 64): RowFacts => ({
  doc: "Removes translations of a process context from the TLB, as type and descriptor say.",
  feature: "INVPCID",
  access: ["r", "r"],
  privilege: "cpl0",
  sensitivity: changes("changes the translations that the processor holds"),
  exits: exitsWhen("INVPCID", "enable INVPCID, and INVLPG exiting"),
  modes: width === 64 ? "only-64" : "not-64",
  semantics: (m, type, descriptor) => {
    const operand = memory(descriptor);
    const address = m.address(operand);
    const context = m.load(operand, address, 64);
    const linear = m.load(operand, offsetBy(m, address, 8), 64);
    m.call("invalidateContext", resize(m, m.read(type), 64), context, linear);
  },
});

const invalidations = [
  row("o* 66 0F 38 82 /r", "INVPCID r32, m128", invalidate(32)),
  // nasm writes REX.W, which makes no difference.
  row("66 0F 38 82 /r", "INVPCID r64, m128", invalidate(64)),
  row("o* 66 0F 38 82 /r", "INVPCID r64, m128", { ...invalidate(64), decodedOnly: true }),
];

const resources = [
  row("F4", "HLT", {
    doc: "Stops the processor until an interrupt comes.",
    privilege: "cpl0",
    sensitivity: changes("gives up the processor, which others could use"),
    exits: exitsWhen("HLT", "HLT exiting"),
    semantics: (m) => m.call("halt"),
  }),
  row("0F 01 /7", "INVLPG m", {
    doc: "Removes the translation of the page at that address from the TLB.",
    access: ["r"],
    privilege: "cpl0",
    sensitivity: changes("changes the translations that the processor holds"),
    exits: exitsWhen("INVLPG", "INVLPG exiting"),
    semantics: (m, page) => m.call("invalidatePage", resize(m, m.address(memory(page)), 64)),
  }),
  ...invalidations,
  row("0F 08", "INVD", {
    doc: "Discards the contents of the caches.",
    ...caches,
    exits: always("INVD"),
    semantics: (m) => m.call("invalidateCaches"),
  }),
  row("0F 09", "WBINVD", {
    doc: "Writes the caches back to memory and empties them.",
    ...caches,
    exits: exitsWhen("WBINVD", "WBINVD exiting"),
    semantics: (m) => m.call("writeBackCaches"),
  }),
  row("F3 90", "PAUSE", {
    doc: "Hints that this is a loop that waits for another processor.",
    exits: exitsWhen("PAUSE", "PAUSE exiting, or PAUSE-loop exiting at CPL 0"),
    semantics: (m) => m.call("pause"),
  }),
  row("0F A2", "CPUID", {
    doc: "Tells what the processor is and can do, by EAX and ECX, in EAX, EBX, ECX and EDX.",
    sensitivity: reveals("describes the host's processor, not the one the guest shall believe to have"),
    exits: always("CPUID"),
    semantics: (m) => m.call("cpuid"),
  }),
];

const ownRegisters = neverBecause("no control exists for it: in non-root operation its registers are the guest's own");
const entersKernel: Sensitivity = {
  kind: "control",
  by: ["location"],
  what: "enters CPL 0 at the address in a model-specific register, which is the monitor's",
  cite: "intel-sdm",
};

const systemCalls = [
  row("0F 05", "SYSCALL", {
    doc: "Calls the kernel at CPL 0 through IA32_LSTAR, in 64-bit mode.",
    sensitivity: entersKernel,
    exits: ownRegisters,
    semantics: (m) => m.call("systemCall"),
  }),
  row("0F 07", "SYSRET", {
    doc: "Returns to CPL 3 from a kernel that SYSCALL entered.",
    privilege: "cpl0",
    sensitivity: changes("leaves to CPL 3 with RFLAGS from R11"),
    exits: ownRegisters,
    semantics: (m) => m.call("systemReturn"),
  }),
  row("0F 34", "SYSENTER", {
    doc: "Calls the kernel at CPL 0 through the IA32_SYSENTER registers.",
    sensitivity: entersKernel,
    exits: ownRegisters,
    semantics: (m) => m.call("fastEnter"),
  }),
  row("0F 35", "SYSEXIT", {
    doc: "Returns to CPL 3 from a kernel that SYSENTER entered.",
    privilege: "cpl0",
    sensitivity: changes("leaves to CPL 3"),
    exits: ownRegisters,
    semantics: (m) => m.call("fastExit"),
  }),
  row("0F 01 F8", "SWAPGS", {
    doc: "Exchanges the base of GS with IA32_KERNEL_GS_BASE.",
    privilege: "cpl0",
    modes: "only-64",
    sensitivity: changes("changes the base of GS"),
    exits: ownRegisters,
    semantics: (m) => m.call("swapGs"),
  }),
];

const alignment: Omit<RowFacts, "doc" | "semantics"> = {
  privilege: "cpl0-ud",
  sensitivity: changes("changes whether the kernel may access user pages (SMAP)"),
  exits: neverBecause("no control exists for it: in non-root operation RFLAGS is the guest's own"),
};

const protection = [
  row("NP 0F 01 CA", "CLAC", {
    doc: "Clears AC: with SMAP the kernel must not access user pages.",
    ...alignment,
    semantics: (m) => m.call("clearAlignmentCheck"),
  }),
  row("NP 0F 01 CB", "STAC", {
    doc: "Sets AC: with SMAP the kernel may access user pages.",
    ...alignment,
    semantics: (m) => m.call("setAlignmentCheck"),
  }),
  row("F3 0F 1E FA", "ENDBR64", {
    doc: "Marks a target of indirect branches in 64-bit mode; otherwise does nothing.",
    semantics: () => {},
  }),
  row("F3 0F 1E FB", "ENDBR32", {
    doc: "Marks a target of indirect branches outside 64-bit mode; otherwise does nothing.",
    semantics: () => {},
  }),
];

export const system: readonly Row[] = [
  ...descriptorTables,
  ...controlRegisters,
  ...modelSpecific,
  ...resources,
  ...systemCalls,
  ...protection,
  ...extendedState,
  ...cacheInstructions,
  ...waits,
  ...randomNumbers,
  ...enforcement,
  ...transactions,
  ...recent,
  ...amd,
  ...reserved,
];
