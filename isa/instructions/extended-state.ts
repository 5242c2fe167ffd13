import { exitsWhen, type Row, type RowFacts, type Sensitivity } from "../instruction.ts";
import { absent, rowsOf } from "./forms.ts";

/** XSAVE and its kin (SDM Vol. 1, chapter 13): state components chosen by EDX:EAX and XCR0, in one area of memory. */

const row = rowsOf("system");

const changes = (what: string): Sensitivity => ({ kind: "control", what, cite: "intel-sdm" });

/** Both forms: with REX.W the x87 pointers have 64 bits. */
const forms = (opcode: string, mnemonic: string, facts: Omit<RowFacts, "semantics">): Row[] => [
  row(`o64 ${opcode}`, `${mnemonic}64 m`, { ...facts, modes: "only-64", semantics: absent }),
  row(opcode, `${mnemonic} m`, { ...facts, semantics: absent }),
];

export const extendedState: readonly Row[] = [
  ...forms("NP 0F AE /4", "XSAVE", {
    doc: "Saves the state components in EDX:EAX that XCR0 enables.",
    feature: "XSAVE",
    access: ["w"],
  }),
  ...forms("NP 0F AE /5", "XRSTOR", {
    doc: "Restores the state components in EDX:EAX that XCR0 enables.",
    feature: "XSAVE",
    access: ["r"],
  }),
  ...forms("NP 0F AE /6", "XSAVEOPT", {
    doc: "As XSAVE, but may leave out what has not changed.",
    feature: "XSAVEOPT",
    access: ["w"],
  }),
  ...forms("NP 0F C7 /4", "XSAVEC", {
    doc: "As XSAVE, with the components close together.",
    feature: "XSAVEC",
    access: ["w"],
  }),
  ...forms("NP 0F C7 /5", "XSAVES", {
    doc: "As XSAVEC, with the supervisor's components that IA32_XSS enables.",
    feature: "XSAVES",
    privilege: "cpl0",
    sensitivity: changes("saves state of the supervisor, as IA32_XSS says"),
    exits: exitsWhen("XSAVES", "enable XSAVES/XRSTORS, and a component in the XSS-exiting bitmap"),
    access: ["w"],
  }),
  ...forms("NP 0F C7 /3", "XRSTORS", {
    doc: "As XRSTOR, with the supervisor's components that IA32_XSS enables.",
    feature: "XSAVES",
    privilege: "cpl0",
    sensitivity: changes("loads state of the supervisor, as IA32_XSS says"),
    exits: exitsWhen("XRSTORS", "enable XSAVES/XRSTORS, and a component in the XSS-exiting bitmap"),
    access: ["r"],
  }),
];
