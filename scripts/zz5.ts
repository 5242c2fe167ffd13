import { TextDocument } from "vscode-languageserver-textdocument";
import { Documents } from "../server/documents.ts";
import { diagnostics } from "../server/features/diagnostics.ts";
import { Code } from "../server/analysis/code.ts";
import { keptSteps } from "../server/analysis/kept-steps.ts";
import { Flow } from "../server/analysis/flow.ts";
import * as D from "../server/diagnostics/index.ts";
import { modeMismatch } from "../server/diagnostics/mode-mismatch.ts";
import { sensitiveUnprivileged } from "../server/diagnostics/sensitive-unprivileged.ts";
import { privilegeFault } from "../server/diagnostics/privilege-fault.ts";
import { interruptsNotRestored } from "../server/diagnostics/interrupts-not-restored.ts";
import { haltWithoutInterrupts } from "../server/diagnostics/halt-without-interrupts.ts";
import { badSelector } from "../server/diagnostics/bad-selector.ts";
import { badTableEntry } from "../server/diagnostics/bad-table-entry.ts";
import { missingEndOfInterrupt } from "../server/diagnostics/missing-end-of-interrupt.ts";
import { flowOf } from "../server/analysis/flow.ts";
import { readFileSync } from "node:fs";
const src = readFileSync("scripts/bench-server.ts","utf8");
const a0 = src.indexOf("{", src.indexOf("function switchingGuest")); const a1 = src.indexOf("/** Milliseconds of CPU time, which");
const modes = new Function("return (function(lines)" + src.slice(a0, a1) + ")")();
const uri="file:///m.asm";
let document = TextDocument.create(uri,"ringside",1,modes(10000));
const documents = new Documents((u)=>u===uri?document:undefined, async()=>undefined);
let a = await documents.analysis(document); diagnostics(a,uri);
const sums: Record<string, number[]> = {};
const t=(name:string,f:()=>unknown)=>{const s=performance.now(); const r=f(); (sums[name]??=[]).push(performance.now()-s); return r;};
for (let v=2; v<200; v++) {
  const position={line: 9850-v, character:0};
  document = TextDocument.update(document,[{range:{start:position,end:position},text: "        call routine1\n"}],v);
  const s0=performance.now();
  a = await documents.analysis(document); (sums["assemble"]??=[]).push(performance.now()-s0);
  const as = a.assembly;
  t("rest",()=>diagnostics(a,uri));
}
for (const [k,v] of Object.entries(sums)) { const s = v.slice(20).sort((x,y)=>x-y); console.log(k.padEnd(24), "min", s[0]!.toFixed(2), "quarter", s[s.length>>2]!.toFixed(2)); }
