import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DebugProtocol as P } from "@vscode/debugprotocol";
import { expect, it } from "vitest";
import { commands } from "../../debug-adapter/commands/index.ts";
import { DapClient } from "../support/dap-client.ts";
import { guest } from "./guest.ts";

const root = join(import.meta.dirname, "..", "..");

async function halted(technique: string, source = guest): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch({ technique });
  await client.start();
  await client.go("continue");
  return client;
}

it("the documentation lists every command as help does", () => {
  const [, console = ""] = readFileSync(join(root, "docs", "debugger.md"), "utf8").split("\n## The debug console\n");
  const documented = console
    .split("\n")
    .filter((row) => row.startsWith("| `"))
    .map((row) => row.split("|").map((cell) => cell.trim()));
  const usage = ({ name, parameters }: (typeof commands)[number]) => `\`${`${name} ${parameters}`.trimEnd()}\``;
  expect(documented.map(([, command, what]) => [command, what])).toEqual(
    commands.map((command) => [usage(command), command.what]),
  );
});

/** What each command answers, at the end of the guest under a technique. */
const answers: readonly (readonly [string, string, RegExp])[] = [
  ["vtx-ept", "help", /\ncompare \[TECHNIQUE\] .*\nexits \[REASON\][\s\S]*\nwhy /],
  ["vtx-ept", "help walk", /^walk ADDRESS\nHow a linear address/],
  ["vtx-ept", "walk greeting", /^linear 10\w+H?h → guest-physical/],
  ["vtx-ept", "WHEN", /^step +[\d,]+\ninstruction +\d+\ncycle .*\nlast event +\d+\nplace +10\w+h \(start\.again\+4\)/],
  ["vtx-ept", "exits", /^\d+ exits up to now\nreason +exits +cycles\n[\s\S]*CPUID +1 /],
  ["vtx-ept", "exits cpuid", /^ +#\d+ .*exit +CPUID: cpuid/],
  ["vtx-ept", "vmcs", /^VMCS at [\dA-F]+h\. The built-in VMM's[\s\S]*Guest RIP/],
  ["vtx-ept", "vmcs guest cr0", /^Guest CR0 \(6800h, 64 bits\) = [\dA-F]+h/],
  ["vtx-ept", "vmcs 6800h", /^Guest CR0/],
  ["svm-npt", "vmcb", /^VMCB at/],
  ["svm-npt", "vmcs", /^VMCB at [\dA-F]+h, under the names of the VMCS\.[\s\S]*Guest RIP/],
  ["vtx-ept", "vmcb efer", /^EFER \(4D0h, 64 bits\) = 1000h\. VT-x: Guest IA32_EFER \(2806h\)\./],
  ["vtx-ept", "tlb", /^\d+ pages?\n +linear +host-physical +for/],
  ["vtx-ept", "tlb greeting", /^1 page\n[\s\S]*\b100000h .*read/],
  ["vtx-ept", "gdt", /^GDT at [\s\S]*32-bit code readable/],
  ["vtx-ept", "gdt cs", /^GDT at .*\nselector .*\n +8h +0h +FFFFFFFFh +DPL 0 +present +32-bit code/],
  ["vtx-ept", "trace 2", /^ +#\d+ .*\n +#\d+ .*stop +halted/],
  ["vtx-ept", "trace 1 output", /^ +#\d+ .*output/],
  ["binary-translation", "units", /^unit +guest code +instructions/],
  ["binary-translation", "units 1", /^unit 1: 10002ch \(line 20, double\)/],
  ["vtx-ept", "units", /^nothing was translated$/],
  ["vtx-ept", "compare trap-and-emulate", /^trap-and-emulate: \d+ instructions, \d+ exits, [\d,]+ cycles\n/],
  ["vtx-ept", "why", /^(hlt|cli|There)/],
  ["vtx-ept", "(answer)", /^0x2a/],
];

it.each(answers)("under %s, %s", async (technique, line, answer) => {
  const client = await halted(technique);
  if (line === "why") await client.go("stepBack");
  expect(await client.evaluate(line, "repl")).toMatch(answer);
});

/** Why a command has no answer. */
const refusals: readonly (readonly [string, string, string])[] = [
  ["bare-metal", "vmcs", "VMX is off"],
  ["trap-and-emulate", "vmcs", "uses no control block"],
  ["vtx-ept", "vmcs nonsense", 'The VMCS has no field "nonsense".'],
  ["vtx-ept", "walk", 'Write an address after "walk"'],
  ["vtx-ept", "walk nowhere", 'There is no register, flag, label or constant "nowhere".'],
  ["vtx-ept", "exits nonsense", 'There has been no VM exit "nonsense" up to now.'],
  ["vtx-ept", "trace miracles", 'There are no events of the kind "miracles"'],
  ["vtx-ept", "help nonsense", 'There is no command "nonsense"'],
  ["vtx-ept", "compare nonsense", 'There is no technique "nonsense"'],
  ["binary-translation", "units 10000", "There is no unit 10000"],
];

it.each(refusals)("under %s, %s is refused", async (technique, line, reason) => {
  const client = await halted(technique);
  await expect(client.evaluate(line, "repl")).rejects.toThrow(reason);
});

it("vectors are read as the mode has them", async () => {
  const real = `%pragma ringside technique bare-metal
        org 7C00h
        bits 16
start:  mov word [6*4], handler
        mov word [6*4+2], 0
        cli
        hlt
handler: iret
`;
  const client = await halted("bare-metal", real);
  expect(await client.evaluate("idt 6", "repl")).toMatch(/ 6 +0000:7C\w\wh +handler$/);
});

it("commands and what follows them are completed", async () => {
  const client = await halted("vtx-ept");
  const complete = async (text: string) =>
    (await client.request<P.CompletionsResponse["body"]>("completions", { text, column: text.length + 1 })).targets;
  expect(await complete("wa")).toEqual([{ label: "walk", type: "function", start: 0, length: 2 }]);
  expect((await complete("walk gre")).map(({ label }) => label)).toEqual(["greeting"]);
  expect(await complete("exits CP")).toEqual(
    expect.arrayContaining([{ label: "CPUID", type: "function", start: 6, length: 2 }]),
  );
  expect(await complete("vmcs Guest CR")).toEqual(
    expect.arrayContaining([{ label: "Guest CR0", type: "function", start: 5, length: 8 }]),
  );
});
