import { exitsWhen, type Row, type RowFacts, type Semantics, type Sensitivity } from "../instruction.ts";
import { memory, modesOf, resize, rowsOf } from "./forms.ts";

/**
 * Caches and the order of memory accesses. The processor here has no caches that could be seen, and makes all accesses
 * in program order.
 */

const row = rowsOf("system");

const nothing: Semantics = () => {};
/** As a load of a byte, as far as segments and paging are concerned. */
const touch: Semantics = (m, line) => {
  m.load(memory(line), m.address(memory(line)), 8);
};

const hint = (doc: string): RowFacts => ({ doc, access: ["r"], semantics: nothing });

const prefetches = (
  [
    ["0F 18 /0", "NTA", "m8", "for a single use"],
    ["0F 18 /1", "T0", "m8", "into all levels of the cache"],
    ["0F 18 /2", "T1", "m8", "into the second level of the cache and further"],
    ["0F 18 /3", "T2", "m8", "into the third level of the cache and further"],
    ["0F 0D /0", "", "m64", "into all levels of the cache"],
    ["0F 0D /1", "W", "m64", "to be written"],
    ["0F 0D /2", "WT1", "m8", "to be written, into the second level of the cache"],
    ["0F 18 /7", "IT0", "m8", "as code, into all levels of the cache; the address must be relative to RIP"],
    ["0F 18 /6", "IT1", "m8", "as code, into outer levels of the cache; the address must be relative to RIP"],
  ] as const
).map(([opcode, name, operand, purpose]) =>
  row(`o* ${opcode}`, `PREFETCH${name} ${operand}`, hint(`Hints that the line will be used: fetches it ${purpose}.`)),
);

/** Numbers that AMD treats as these; on Intel's processors they do nothing, as prefetches may. */
const otherPrefetches = [3, 4, 5, 6, 7].map((digit) =>
  row(`o* 0F 0D /${digit}`, `PREFETCH${digit === 3 ? "W" : ""} m64`, {
    ...hint("Hints that the line will be used."),
    decodedOnly: true,
  }),
);

const flushes = [
  row("NP 0F AE /7", "CLFLUSH m", {
    doc: "Writes the line back to memory and removes it from all caches.",
    feature: "CLFSH",
    access: ["r"],
    semantics: touch,
  }),
  row("66 0F AE /7", "CLFLUSHOPT m", {
    doc: "As CLFLUSH, less ordered.",
    feature: "CLFLUSHOPT",
    access: ["r"],
    semantics: touch,
  }),
  row("66 0F AE /6", "CLWB m", {
    doc: "Writes the line back to memory; it may stay in the caches.",
    feature: "CLWB",
    access: ["r"],
    semantics: touch,
  }),
  row("NP 0F 1C /0", "CLDEMOTE m", hint("Hints that another processor will use the line next.")),
];

const wholeCaches = [
  row("F3 0F 09", "WBNOINVD", {
    doc: "Writes the caches back to memory and keeps what is in them.",
    feature: "WBNOINVD",
    privilege: "cpl0",
    sensitivity: {
      kind: "control",
      what: "acts on the caches of the whole machine",
      cite: "popek-goldberg",
    } satisfies Sensitivity,
    exits: exitsWhen("WBINVD", "WBINVD exiting"),
    semantics: (m) => m.call("writeBackCaches"),
  }),
];

/** Any ModRM.rm will do. */
const fences = [
  row("NP 0F AE /5", "LFENCE", { doc: "Waits until all loads before it are done.", semantics: nothing }),
  row("NP 0F AE /6", "MFENCE", { doc: "Waits until all loads and stores before it are seen.", semantics: nothing }),
  row("NP 0F AE /7", "SFENCE", { doc: "Waits until all stores before it are seen.", semantics: nothing }),
  row("NP 0F 01 E8", "SERIALIZE", {
    doc: "Waits until everything before it is complete, and fetches what follows anew.",
    feature: "SERIALIZE",
    semantics: nothing,
  }),
];

const store: Semantics = (m, destination, source) => m.write(destination, m.read(source));
const directStores = ([32, 64] as const).map((width) =>
  row("NP 0F 38 F9 /r", `MOVDIRI m${width}, r${width}`, {
    doc: "Stores a register directly, past the caches.",
    feature: "MOVDIRI",
    access: ["w", "r"],
    ...modesOf(width),
    semantics: store,
  }),
);

/** The destination is the register, as an offset in ES at the address size. */
const moveLine: Semantics = (m, destination, source) =>
  m.call("moveLine", resize(m, m.read(destination), 64), resize(m, m.address(memory(source)), 64));

const lineMoves = ([16, 32, 64] as const).map((width) =>
  row(`a${width} o* 66 0F 38 F8 /r`, `MOVDIR64B r${width}, m512`, {
    doc: "Copies 64 bytes to ES:register as one store past the caches; the destination must be aligned.",
    feature: "MOVDIR64B",
    access: ["r", "r"],
    modes: width === 64 ? "only-64" : width === 16 ? "not-64" : "all",
    semantics: moveLine,
  }),
);

export const caches: readonly Row[] = [
  ...prefetches,
  ...otherPrefetches,
  ...flushes,
  ...wholeCaches,
  ...fences,
  ...directStores,
  ...lineMoves,
];
