import { always, neverBecause, type Row } from "../instruction.ts";
import { rowsOf } from "./forms.ts";

const row = rowsOf("vmx");

export const vmx: readonly Row[] = [
  row("NP 0F 01 C1", "VMCALL", {
    doc: "Calls the virtual machine monitor; #UD where there is none.",
    exits: always("VMCALL"),
    semantics: (m) => m.call("vmcall"),
  }),
  row("NP 0F 01 D9", "VMMCALL", {
    doc: "Calls the virtual machine monitor on AMD processors; #UD on Intel's.",
    exits: neverBecause("it is AMD's instruction: on Intel processors it raises #UD"),
    semantics: (m) => m.call("vmmcall"),
  }),
];
