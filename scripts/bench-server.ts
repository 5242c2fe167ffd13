import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { TextDocument } from "vscode-languageserver-textdocument";
import { Documents } from "../server/documents.ts";
import { completion } from "../server/features/completion.ts";
import { diagnostics } from "../server/features/diagnostics.ts";
import { hover } from "../server/features/hover.ts";
import { DocumentTokens } from "../server/features/semantic-tokens.ts";

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

/**
 * A guest of `lines` lines that goes from real to protected mode by descriptors of its own: loops with exits, calls, interrupts turned off
 * and on, CR4 changed, and now and then a stretch of 16-bit code in protected mode. All of it is followed.
 */
function switchingGuest(lines: number): string {
  const text = [
    ...["bits 16", "org 7C00h", "start:  cli", "        lgdt [table]", "        mov eax, cr0", "        or al, 1"],
    ...["        mov cr0, eax", "        jmp dword 8:label0", "gdt:    dq 0, 0CF9A000000FFFFh, 0CF92000000FFFFh"],
    ...["        dq 9A000000FFFFh", "table:  dw table - gdt - 1", "        dd gdt", "bits 32"],
  ];
  const routines = Array.from({ length: 20 }, (_, n) => [
    `routine${n}:`,
    "        push eax",
    "        cpuid",
    "        pop eax",
    "        ret",
  ]).flat();
  for (let n = 0; text.length < lines - routines.length - 20; n++) {
    text.push(`label${n}:`, "        mov eax, [ebx + esi*4 + 10h]", `        add eax, ${n}`, "        cmp eax, ecx");
    text.push(
      "        jne .skip",
      `        call routine${n % 20}`,
      ".skip:  out 20h, al",
      "        dec ecx",
      `        jnz label${n}`,
    );
    if (n % 50 === 0)
      text.push("        pushfd", "        cli", "        mov eax, cr4", "        or eax, 4", "        mov cr4, eax");
    if (n % 50 === 25)
      text.push(`        jmp 24:.small${n}`, "bits 16", `.small${n}: sti`, `        jmp dword 8:.wide${n}`, "bits 32");
    if (n % 50 === 25) text.push(`.wide${n}: mov ax, 16`, "        mov ss, ax", "        popfd");
  }
  return [...text, "        hlt", ...routines].slice(0, lines).join("\n");
}

/** Milliseconds of CPU time, which others on the machine do not lengthen. */
const now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;

const uri = "file:///bench.asm";
/** The host compiles what is used often: the first twenty or so take up to three times as long as those of the median. */
const rounds = 61;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** What one waits for, by the name of its column. */
interface Figures {
  readonly cold: number;
  readonly diagnostics: number;
  readonly tokens: number;
  readonly completion: number;
  readonly hover: number;
  /** Megabytes in use after a garbage collection, with the document and all that is kept of it. */
  readonly memory: number;
}

/** What is in use while these are kept. */
function memoryWith(...kept: readonly object[]): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return kept.length > 0 ? (heapUsed + external) / 1e6 : 0;
}

async function timed(work: () => unknown): Promise<number> {
  const began = now();
  await work();
  return now() - began;
}

/** A document is opened; then, `rounds` times, a line is typed near its end and everything is asked for. */
async function measure(text: string, typed: string): Promise<Figures> {
  const lines = text.split("\n").length;
  const documents = new Documents(
    (wanted) => (wanted === uri ? document : undefined),
    async () => undefined,
  );
  let document = TextDocument.create(uri, "ringside", 1, text);
  const tokens = new DocumentTokens();
  const analyse = async () => diagnostics(await documents.analysis(document), uri).length;
  const assemblyNow = async () => (await documents.analysis(document)).assembly;
  const cold = await timed(async () => {
    await analyse();
    tokens.full(uri, document.getText(), await assemblyNow());
  });
  let { resultId } = tokens.full(uri, document.getText(), await assemblyNow());
  const times = {
    diagnostics: [] as number[],
    tokens: [] as number[],
    completion: [] as number[],
    hover: [] as number[],
  };
  for (let version = 2; version < rounds + 2; version++) {
    const line = lines - 150 - version;
    const position = { line, character: 0 };
    const changes = [{ range: { start: position, end: position }, text: `        ${typed}\n` }];
    document = TextDocument.update(document, changes, version);
    times.diagnostics.push(await timed(analyse));
    const assembly = await assemblyNow();
    const text = document.getText();
    const asked = resultId!;
    times.tokens.push(
      await timed(() => {
        ({ resultId } = tokens.delta(uri, text, assembly, asked));
      }),
    );
    times.completion.push(await timed(() => completion(assembly, { line, character: 16 }, document)));
    const analysis = await documents.analysis(document);
    times.hover.push(await timed(() => hover(analysis, uri, { line: lines - 300 - version, character: 10 })));
  }
  return {
    cold,
    diagnostics: median(times.diagnostics),
    tokens: median(times.tokens),
    completion: median(times.completion),
    hover: median(times.hover),
    memory: memoryWith(documents, tokens),
  };
}

const figure = (value: number) => value.toFixed(1).padStart(13);

console.log(`milliseconds of CPU time, medians of ${rounds}: a document opened to diagnostics and tokens; then, after a line
typed near its end, new diagnostics, what changed of the semantic tokens, completion of a jump's target, a hover`);
const columns = ["cold", "diagnostics", "token delta", "completion", "hover", "memory, MB"];
console.log(`  lines${columns.map((name) => name.padStart(13)).join("")}`);
/**
 * The aim is about those that are compared: each figure at most 1/50 of the cold one. A jump to the beginning of a program that is
 * followed makes a loop of all of it, which is gone through twice.
 */
const programs = [
  { lines: 1000, of: guest, typed: "jmp label1", compared: false },
  { lines: 10_000, of: guest, typed: "jmp label1", compared: false },
  { lines: 1000, of: switchingGuest, typed: "call routine1", compared: false },
  { lines: 10_000, of: switchingGuest, typed: "call routine1", compared: true },
  { lines: 10_000, of: switchingGuest, typed: "jmp label1", compared: false },
  { lines: 100_000, of: guest, typed: "jmp label1", compared: true },
];
for (const { lines, of, typed, compared } of programs) {
  const figures = await measure(of(lines), typed);
  const { cold } = figures;
  console.log(
    `${String(lines).padStart(7)}${Object.values(figures).map(figure).join("")}  ${of === switchingGuest ? "with mode switches, " : ""}${typed}`,
  );
  const times = [figures.diagnostics, figures.tokens, figures.completion, figures.hover];
  if (compared) console.log(`cold / each${" ".repeat(9)}${times.map((time) => figure(cold / time)).join("")}`);
}
console.log(`resident: ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`);
