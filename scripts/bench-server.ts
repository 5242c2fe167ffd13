import { TextDocument } from "vscode-languageserver-textdocument";
import { Documents } from "../server/documents.ts";
import { diagnostics } from "../server/features/diagnostics.ts";
import { hover } from "../server/features/hover.ts";

/** A guest of `lines` lines: labels, branches, memory operands, data, and a sensitive instruction now and then. */
function guest(lines: number): string {
  const text = ["bits 32"];
  for (let n = 0; text.length < lines; n++) {
    text.push(`label${n}:`, "        mov eax, [ebx + esi*4 + 10h]", `        add eax, ${n}`, "        cmp eax, ecx");
    text.push(
      n % 50 === 0 ? "        pushfd" : "        push eax",
      `        jne label${n}`,
      "        db 1, 2, 3 ; data",
    );
  }
  return text.slice(0, lines).join("\n");
}

/** Milliseconds of CPU time, which others on the machine do not lengthen. */
const now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;

async function measure(lines: number): Promise<void> {
  const uri = "file:///bench.asm";
  const documents = new Documents(
    () => undefined,
    async () => undefined,
  );
  const text = guest(lines);
  let document = TextDocument.create(uri, "ringside", 1, text);
  const analyse = async () => diagnostics(await documents.analysis(document), uri).length;
  let began = now();
  await analyse();
  const opened = now() - began;
  const edits: number[] = [];
  for (let version = 2; version < 23; version++) {
    const line = lines - 5 - version;
    const position = { line, character: 0 };
    const changes = [{ range: { start: position, end: position }, text: "        nop\n" }];
    document = TextDocument.update(document, changes, version);
    began = now();
    await analyse();
    edits.push(now() - began);
  }
  const analysis = await documents.analysis(document);
  const hovers: number[] = [];
  for (let n = 0; n < 21; n++) {
    began = now();
    hover(analysis, uri, { line: lines - 100 + n, character: 10 });
    hovers.push(now() - began);
  }
  const figures = [opened, median(edits), median(hovers)].map((time) => time.toFixed(1).padStart(16));
  console.log(`${String(lines).padStart(7)}${figures.join("")}`);
}

console.log(
  "milliseconds of CPU time: a file opened, one line inserted near its end (to new diagnostics), a hover; medians of 21",
);
console.log(`  lines${["open", "edit", "hover"].map((name) => name.padStart(16)).join("")}`);
for (const lines of [1000, 10_000, 100_000]) await measure(lines);
