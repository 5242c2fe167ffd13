import { TextDocument } from "vscode-languageserver-textdocument";
import { Documents } from "../server/documents.ts";
import { diagnostics } from "../server/features/diagnostics.ts";
import { Code } from "../server/analysis/code.ts";
import { keptSteps } from "../server/analysis/kept-steps.ts";
import { Flow } from "../server/analysis/flow.ts";
import { readFileSync } from "node:fs";
const src = readFileSync("scripts/bench-server.ts","utf8");
const a0 = src.indexOf("{", src.indexOf("function switchingGuest")); const a1 = src.indexOf("/** Milliseconds of CPU time, which");
const modes = new Function("return (function(lines)" + src.slice(a0, a1) + ")")();
const uri="file:///m.asm";
let document = TextDocument.create(uri,"ringside",1,modes(10000));
const documents = new Documents((u)=>u===uri?document:undefined, async()=>undefined);
let a = await documents.analysis(document); const d = diagnostics(a,uri); console.log(d.length, a.assembly.problems.length, [...new Set(d.map(x=>x.code))]);
let any = 0, un = 0; const f0 = new Flow(a.assembly); for (const m of a.assembly.mentions) if (f0.at(m)) any++; else un++; console.log("known", any, un);
const sums: Record<string, number[]> = {};
const t=(name:string,f:()=>unknown)=>{const s=performance.now(); const r=f(); (sums[name]??=[]).push(performance.now()-s); return r;};
for (let v=2; v<150; v++) {
  const position={line: 9850-v, character:0};
  document = TextDocument.update(document,[{range:{start:position,end:position},text: "        jmp label1\n"}],v);
  const s0=performance.now();
  a = await documents.analysis(document); (sums["assemble"]??=[]).push(performance.now()-s0);
  if (v >= 20 && v < 22) (globalThis as any).log = 0;
  t("diagnostics",()=>diagnostics(a,uri));
}
for (const [k,v] of Object.entries(sums)) console.log(k, v.sort((x,y)=>x-y)[v.length>>1]!.toFixed(2), v.at(-1)!.toFixed(1));
