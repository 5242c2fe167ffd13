import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { load } from "../../../debug-adapter/launch.ts";
import { utf8Text } from "../../../emulator/utf8.ts";
import { filesFor } from "../../../grader/submission.ts";
import { readLab } from "../../grader/lab-files.ts";
import { hasBochs, runOnBochs } from "./bochs.ts";
import { hasNasm } from "./guest-programs.ts";

/** Programs of the labs in which a solution is a hypervisor; and lines that depend on the model of processor. */
const programs: [lab: string, program: string, model?: RegExp][] = [
  ["06-ept", "guest.asm"],
  ["06-ept", "other-guest.asm"],
  ["07-hypercalls", "guest.asm"],
  ["07-hypercalls", "other-guest.asm"],
  ["08-exit-counting", "guest.asm", /^(VMCS shadowing|enable XSAVES) .*\n/gm],
  ["10-hypervisor", "hypervisor.asm"],
  ["10-hypervisor", "hostile-guest.asm"],
  ["11-interrupts", "guest.asm"],
  ["11-interrupts", "other-guest.asm"],
];

/** Where the hypervisor halts it ends Bochs, and what it prints on its serial port goes to port E9h; its guests stay as they are. */
function forBochs(text: string): string {
  const [hypervisor = "", ...guest] = text.split(/^(?=section guest )/m);
  return [hypervisor.replace(/\bhlt$/gm, "jmp bochs_end"), ...guest].join("").replace(/^(COM1 +equ) 3F8h/m, "$1 0E9h");
}

const ending = `
bochs_end:
        mov edx, 8900h
        mov esi, .text
.next:  lodsb
        test al, al
        jz $
        out dx, al
        jmp .next
.text:  db "Shutdown", 0
`;

const folder = mkdtempSync(join(tmpdir(), "ringside-labs-"));
afterAll(() => rmSync(folder, { recursive: true }));
const assemble = (source: string, output: string): unknown =>
  execFileSync("nasm", ["-f", "bin", "-w-all", "-o", output, source], { cwd: folder });

function imageOf(files: ReadonlyMap<string, Uint8Array>, program: string): Uint8Array {
  for (const [name, content] of files) {
    const text = forBochs(utf8Text(content));
    // Once a program: in the file that has the console of the hypervisor.
    writeFileSync(join(folder, name), text.replace(/^print: /m, `${ending}print: `));
  }
  assemble(program, "lab.bin");
  copyFileSync(join(import.meta.dirname, "guests/lab-start.asm"), join(folder, "lab-start.asm"));
  assemble("lab-start.asm", "image.bin");
  return readFileSync(join(folder, "image.bin"));
}

describe.skipIf(!(hasNasm && hasBochs()))("hypervisors of labs print on Bochs what they print here", () => {
  test.each(programs)("%s: %s", async (name, program, model = /$^/g) => {
    const lab = readLab(name);
    const files = new Map([...filesFor(lab.assignment, lab.given, "ada"), ...lab.solution]);
    const { machine } = await load({ program }, async (file) => files.get(file));
    machine.run({ steps: 2_000_000 });
    const events = machine.events(0, Number.MAX_SAFE_INTEGER, ["output"]);
    const ours = events.map((event) => (event.kind === "output" ? event.text : "")).join("");
    expect(ours.length).toBeGreaterThan(20);
    expect(runOnBochs(imageOf(files, program)).replace(model, "")).toBe(ours.replace(model, ""));
  });
});
