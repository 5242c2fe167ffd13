import { describe, expect, it } from "vitest";
import { assemble } from "../../assembler/index.ts";
import { commands } from "../../cli/commands.ts";
import { terminal } from "./terminal.ts";

const hello = `
  %pragma ringside technique vtx-ept
  org 7C00h
  mov dx, 3F8h
  mov al, 'A'
  out dx, al
  cpuid
  cpuid
  mov dx, 3F8h
  mov al, 10
  out dx, al
  hlt`;

describe("run", () => {
  it("prints the console, how it stopped, exits by reason and registers", async () => {
    const { code, out } = await terminal(["run", "a.asm"], { "a.asm": hello });
    expect(code).toBe(0);
    expect(out).toMatch(/^A\n— halted: .*\ntechnique vtx-ept, \d+ steps, 9 instructions, \d+ cycles\n/);
    expect(out).toMatch(/^ {2}2 {2}CPUID$/m);
    expect(out).toMatch(/^ {2}2 {2}IO_INSTRUCTION$/m);
    expect(out).toMatch(/EAX=0x[0-9a-f]{8}/);
  });

  it("gives the same as JSON", async () => {
    const { code, out } = await terminal(["run", "a.asm", "--json"], { "a.asm": hello });
    const { exits, registers, ...rest } = JSON.parse(out);
    expect(code).toBe(0);
    expect(rest).toMatchObject({
      file: "a.asm",
      technique: "vtx-ept",
      mode: "real",
      stopped: { reason: "halted" },
      output: "A\n",
      instructions: 9,
      direct: 4,
    });
    expect(Object.keys(rest)).toEqual("file technique mode stopped output steps instructions direct cycles".split(" "));
    expect(exits).toContainEqual({ reason: "CPUID", number: 10, count: 2 });
    expect(registers.EDX).toMatch(/^0x[0-9a-f]{8}$/);
  });

  it("prints what was translated beside its source, and its events", async () => {
    const { out } = await terminal(["run", "examples/is-prime.asm", "--translations"]);
    expect(out).toMatch(/^unit \d+: 100032h \(line \d+, nexti\) → ffd[0-9a-f]{5}h, \d+ bytes, entered 12 times$/m);
    expect(out).toMatch(/^ {2}idiv esi +identical +ffd[0-9a-f]{5}h {2}idiv esi +F7 FE$/m);
    expect(out).toMatch(/^ {2}ret +in-cache +ffd[0-9a-f]{5}h {2}pop dword \[gs:8\]/m);
    expect(out).toMatch(/^ {2}fall-through 10003bh → unit \d+, whose code follows$/m);
    const trace = await terminal(["trace", "examples/is-prime.asm", "--kinds", "translate,chain"]);
    expect(trace.out).toMatch(/translate {2}unit \d+: 100032h, 5 instructions in 9 bytes/);
    expect(trace.out).toMatch(/chain +unit \d+ → unit \d+ at 10003bh: elided/);
    const none = await terminal(["run", "a.asm", "--translations"], { "a.asm": hello });
    expect(none.out).toMatch(/translations:\nnothing was translated\n$/);
  });

  it("counts the same exits as the trace shows", async () => {
    const { out } = await terminal(["run", "examples/exits.asm", "--json"]);
    const summary: { exits: { reason: string; count: number }[] } = JSON.parse(out);
    const trace = await terminal(["trace", "examples/exits.asm", "--json", "--kinds", "exit"]);
    const counts = new Map<string, number>();
    for (const line of trace.out.trim().split("\n")) {
      const { reason } = JSON.parse(line);
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual(
      Object.fromEntries(summary.exits.map(({ reason, count }) => [reason, count])),
    );
  });

  it.each([
    ["a guest that runs for ever", "jmp $", ["--max-steps", "1000"], 4, /limit: .* 1,000 steps/],
    ["a guest that runs off its code", "nop", [], 3, /ran-off-code/],
    [
      "a triple fault",
      "bits 32\nlidt [nothing]\nint 3\nnothing: dq 0",
      ["--technique", "bare-metal"],
      3,
      /triple-fault/,
    ],
    ["the debug-exit port", "mov al, 1\nout 0F4h, al\nhlt", [], 0, /debug-exit/],
  ] as const)("%s has its own exit code", async (_, text, options, code, expected) => {
    const result = await terminal(["run", "a.asm", ...options], { "a.asm": text });
    expect(result.out).toMatch(expected);
    expect(result.code).toBe(code);
  });

  it("says where the source is wrong, and does not start", async () => {
    const { code, out, error } = await terminal(["run", "a.asm"], { "a.asm": "hlt\nmovv ax, 1\n" });
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(error).toMatch(/^a\.asm:2:1: error: Unknown instruction “movv”/);
    const json = await terminal(["run", "a.asm", "--json"], { "a.asm": "movv ax, 1\n" });
    expect(JSON.parse(json.out).problems).toMatchObject([{ line: 1, column: 1, code: "unknown-mnemonic" }]);
  });
});

describe("trace", () => {
  it("prints what is not recorded where it is asked for, among what is", async () => {
    const kinds = ["--kinds", "tlb,paging,exception"];
    const { out } = await terminal(["trace", "examples/page-fault.asm", "--technique", "bare-metal", ...kinds]);
    const fault = /paging +kernel write of 40000000h: PDPTE, not present; #PF.*\n.* exception +#PF/;
    expect(out).toMatch(fault);
    expect(out).toMatch(/#\d+\+ .* tlb +kernel write of 40000000h → 400000h \(2 MiB\)/);
  });

  it("prints one event a line, and only the kinds asked for", async () => {
    const { code, out } = await terminal(["trace", "a.asm", "--kinds", "exit, stop"], { "a.asm": hello });
    expect(code).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines.every((line) => /^ +#\d+ +\d+ +[0-9a-f]+h {2}(exit|stop) /.test(line))).toBe(true);
    expect(lines.some((line) => line.includes("out 3F8h, al = 41h 'A'"))).toBe(true);
    expect(lines.at(-1)).toMatch(/stop {7}halted/);
  });

  it("tells with --why what was decided of each sensitive instruction, before its events", async () => {
    const { out } = await terminal(["trace", "a.asm", "--why", "--technique", "vtx-ept"], { "a.asm": hello });
    const lines = out.trim().split("\n");
    const exit = lines.findIndex((line) => line.includes("  exit       HLT"));
    expect(lines[exit - 1]).toMatch(/ why {8}hlt: leaves the guest\. .*\[.* bit 7: HLT exiting = 1\]$/);
    const decisions = lines.filter((line) => / why {8}out /.test(line)).length;
    expect(decisions).toBe(lines.filter((line) => line.includes("  exit       IO_INSTRUCTION")).length);
  });

  it("as JSON gives whole events with their source lines, with the costs of exits filled in", async () => {
    const { out } = await terminal(["trace", "a.asm", "--json"], { "a.asm": hello });
    const events = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, n) => n + 1));
    const exits = events.filter(({ kind, reason }) => kind === "exit" && reason === "CPUID");
    expect(exits.map(({ source }) => source.line)).toEqual([6, 7]);
    expect(exits.every(({ cost }) => cost > 0)).toBe(true);
  });
});

describe("check", () => {
  const source = "bits 32\nsgdt [eax]\npush es\nmovv ax, 1\n";

  it("prints file, 1-based line and column, severity and code", async () => {
    const { code, out } = await terminal(["check", "a.asm"], { "a.asm": source });
    expect(code).toBe(1);
    expect(out).toMatch(/^a\.asm:4:1: error: Unknown instruction “movv”.* \[unknown-mnemonic\]$/m);
    expect(out).toMatch(/^a\.asm:2:1: warning: SGDT is sensitive but not privileged\..* \[sensitive-unprivileged\]$/m);
    expect(out).toMatch(/^a\.asm:3:1: information: PUSH is sensitive/m);
    expect(out).toMatch(/a\.asm: 1 error, 1 warning, 1 information\n$/);
  });

  it("grades by technique: the one given, else the program's, else any", async () => {
    const severities = async (args: readonly string[], text: string) => {
      const { out } = await terminal(["check", "a.asm", "--json", ...args], { "a.asm": text });
      const { technique, problems } = JSON.parse(out);
      return [technique, ...problems.map(({ severity }: { severity: string }) => severity)];
    };
    const clean = "bits 32\nsgdt [eax]\n";
    expect(await severities([], clean)).toEqual([null, "warning"]);
    expect(await severities(["--technique", "vtx-ept"], clean)).toEqual(["vtx-ept"]);
    expect(await severities([], `%pragma ringside technique vtx-ept\n${clean}`)).toEqual(["vtx-ept"]);
    expect(await severities(["--technique", "trap-and-emulate"], clean)).toEqual(["trap-and-emulate", "warning"]);
  });

  it("leaves out what a comment says", async () => {
    const text =
      "bits 32\nsgdt [eax] ; ringside: ignore sensitive-unprivileged\n; ringside: ignore x, sensitive-unprivileged\nsidt [eax]\n";
    expect((await terminal(["check", "a.asm"], { "a.asm": text })).out).toBe("a.asm: no problems\n");
  });

  it("prints SARIF, with fixes", async () => {
    const text = "bits 32\nsti\npushfd\ncli\npopfd\nmovv eax, 1\n";
    const { code, out } = await terminal(["check", "a.asm", "--format", "sarif"], { "a.asm": text });
    const log = JSON.parse(out);
    const [run] = log.runs;
    expect([code, log.version, run.tool.driver.name, run.columnKind]).toEqual([
      1,
      "2.1.0",
      "ringside",
      "utf16CodeUnits",
    ]);
    for (const { ruleId, ruleIndex } of run.results) expect(run.tool.driver.rules[ruleIndex].id).toBe(ruleId);
    const lost = run.results.find(({ ruleId }: { ruleId: string }) => ruleId === "interrupts-not-restored");
    expect(lost).toMatchObject({
      level: "warning",
      locations: [
        { physicalLocation: { artifactLocation: { uri: "a.asm" }, region: { startLine: 5, startColumn: 1 } } },
      ],
      relatedLocations: [{ physicalLocation: { region: { startLine: 3 } } }],
    });
    expect(lost.fixes[0].artifactChanges[0].replacements).toHaveLength(2);
    expect(run.results.find(({ level }: { level: string }) => level === "error").ruleId).toBe("unknown-mnemonic");
  });
});

describe("assemble", () => {
  const files = { "dir/a.asm": '%include "b.inc"\nx: db LEVEL, x\n', "inc/b.inc": "org 16\ndb 1\n" };

  it("writes the output under the source's name without its extension, or as told", async () => {
    const plain = await terminal(["assemble", "dir/a.asm", "-Iinc", "-DLEVEL=7"], files);
    expect(plain).toMatchObject({ code: 0, out: "", error: "" });
    expect([...plain.written]).toEqual([["dir/a", Uint8Array.of(1, 7, 17)]]);
    const named = await terminal(
      ["assemble", "-f", "bin", "-o", "out.bin", "-I", "inc/", "-D", "LEVEL=8", "dir/a.asm"],
      files,
    );
    expect([...named.written]).toEqual([["out.bin", Uint8Array.of(1, 8, 17)]]);
    const bare = await terminal(["assemble", "noext"], { noext: "ret" });
    expect([...bare.written.keys()]).toEqual(["nasm.out"]);
  });

  it("writes a listing with the included lines", async () => {
    const { written } = await terminal(["assemble", "dir/a.asm", "-Iinc", "-DLEVEL=7", "-l", "a.lst"], files);
    expect(new TextDecoder().decode(written.get("a.lst"))).toBe(
      `     1                                 %include "b.inc"
     1                             <1> org 16
     2 00000010 01                 <1> db 1
     3                             <1>
     2 00000011 0711                   x: db LEVEL, x
     3
`,
    );
  });

  it("writes a listing of an object file, with addresses in its sections", async () => {
    const source = "extern f\nx: call f\nmov eax, [y]\nsection .data\ny: dd x, 5\nsection .bss\nresb 2";
    const { written } = await terminal(["assemble", "-f", "elf32", "o.asm", "-l", "o.lst"], { "o.asm": source });
    expect(new TextDecoder().decode(written.get("o.lst"))).toBe(
      `     1                                 extern f
     2 00000000 E8FCFFFFFF             x: call f
     3 00000005 A100000000             mov eax, [y]
     4                                 section .data
     5 00000000 0000000005000000       y: dd x, 5
     6                                 section .bss
     7 00000000                        resb 2
`,
    );
  });

  it("writes nothing if there are errors", async () => {
    const { code, written, error } = await terminal(["assemble", "a.asm"], { "a.asm": "x" + "y\njmp z" });
    expect({ code, written: written.size }).toEqual({ code: 1, written: 0 });
    expect(error).toMatch(/^a\.asm:1:1: warning: .*\na\.asm:2:5: error: “z” is not defined\. \[undefined-symbol\]\n$/);
  });

  it("writes the symbols by value", async () => {
    const source = "org 7C00h\nsize equ 5\nstart: jmp .end\n.end: ret\n";
    const { written } = await terminal(["assemble", "s.asm", "--symbols", "s.sym"], { "s.asm": source });
    expect(new TextDecoder().decode(written.get("s.sym"))).toBe(
      "0000000000000005 equ   size s.asm:2\n0000000000007C00 label start s.asm:3\n0000000000007C02 label start.end s.asm:4\n",
    );
  });
});

describe("disassemble", () => {
  it("prints address, bytes and instruction, and bytes that are none as db", async () => {
    const files = { "a.bin": Uint8Array.of(0xb8, 5, 0, 0, 0, 0xeb, 0xf9, 0x0f, 0x0a, 0xf4) };
    const { code, out } = await terminal(["disassemble", "a.bin", "--bits", "32", "--org", "0x7c00"], files);
    expect(code).toBe(0);
    expect(out.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
      "00007C00 B805000000 mov eax, 5",
      "00007C05 EBF9 jmp short 0x7c00",
      "00007C07 0F db 0x0f",
      "00007C08 0AF4 db 0x0a, 0xf4 ; or dh, ah",
      "",
    ]);
    const json = await terminal(["disassemble", "a.bin", "--bits", "32", "--json"], files);
    expect(JSON.parse(json.out)[1]).toEqual({ address: 5, bytes: "ebf9", text: "jmp short 0" });
  });

  it("with --source prints a source of the same bytes", async () => {
    const bytes = Uint8Array.of(0xb8, 5, 0, 0, 0, 0xeb, 0xf9, 0x0f, 0x0a, 0xf4);
    const options = ["--bits", "32", "--org", "0x7c00", "--source"];
    const { out } = await terminal(["disassemble", "a.bin", ...options], { "a.bin": bytes });
    expect(out.split("\n").slice(0, 3)).toEqual(["bits 32", "org 0x7c00", "mov eax, 5"]);
    expect(assemble({ file: "a.asm", text: out })).toMatchObject({ problems: [], bytes });
  });
});

describe("what cannot be done as given ends with 2 and a plain sentence", () => {
  it.each([
    [["frobnicate", "a.asm"], /no command “frobnicate”/],
    [["run"], /Name a file/],
    [["run", "a.asm", "b.asm"], /One file at a time: what is “b\.asm”/],
    [["run", "nowhere.asm"], /There is no file nowhere\.asm/],
    [["check", "nowhere.asm"], /There is no file nowhere\.asm/],
    [["check", "a.asm", "--format", "xml"], /--format needs one of text, json, sarif, not “xml”/],
    [["run", "a.asm", "--fast"], /^ringside: There is no option --fast\. See: ringside run --help$/m],
    [["run", "a.asm", "--technique"], /--technique needs a value\./],
    [["run", "a.asm", "--json=yes"], /--json takes no value\./],
    [["disassemble", "large.bin"], /large\.bin has 1048577 bytes; the most/],
    [["run", "a.asm", "--technique", "magic"], /There is no technique “magic”. Choose from bare-metal/],
    [["run", "a.asm", "--max-steps", "many"], /--max-steps needs a whole number/],
    [["run", "a.asm", "--memory", "1025"], /from 1 to 1024/],
    [["trace", "a.asm", "--kinds", "tlb", "--why"], /“tlb” cannot be shown together with --why/],
    [["trace", "a.asm", "--kinds", "exit,sneeze"], /no events of kind “sneeze”/],
    [["assemble", "a.asm", "-f", "macho64"], /The output format “macho64” is not supported; bin, elf32, elf64 are/],
    [["assemble", "a.asm", "-D", "1x"], /-D needs NAME/],
    [["assemble", "a.asm", "-O0"], /-O0 is not supported: sizes are always chosen as with nasm's -Ox/],
    [["disassemble", "a.asm", "--bits", "8"], /--bits is 16, 32 or 64/],
  ] as const)("ringside %s", async (args, expected) => {
    const { code, out, error } = await terminal(args, { "a.asm": "hlt", "large.bin": new Uint8Array(2 ** 20 + 1) });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(error).toMatch(expected);
  });
});

describe("help", () => {
  it("lists the commands, and each command its options", async () => {
    const { code, out } = await terminal(["--help"]);
    expect(code).toBe(0);
    for (const { name, options } of commands) {
      expect(out).toContain(`  ${name} `);
      const help = await terminal([name, "--help"]);
      expect(help.code).toBe(0);
      for (const option of Object.keys(options)) expect(help.out).toContain(`--${option}`);
    }
    expect((await terminal([])).code).toBe(2);
  });
});
