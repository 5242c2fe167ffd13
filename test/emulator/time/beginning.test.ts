import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Computer } from "../../../emulator/computer.ts";
import { type AnyConfiguration, computerOf } from "../../../emulator/configuration/machine-configuration.ts";
import { configurationProblem } from "../../../emulator/index.ts";
import { techniques } from "../../../isa/technique.ts";
import { assembled, assembledFile, configurationOf } from "../machine/program.ts";

const examples = join(import.meta.dirname, "../../../examples");
const guests = [
  "hello",
  "boot-sector",
  "long-mode",
  "paging-pae",
  "ring-compression",
  "smp/shootdown",
  "xen-hello",
  "xen-smp",
];
const pageWords = 1024;

function expectTold(configuration: AnyConfiguration): void {
  const computer = new Computer(computerOf(configuration));
  const { ram } = computer;
  const { written: told, perhaps, count } = computer.writes();
  const may = [...told, ...perhaps];
  const pages = Array.from({ length: ram.length / pageWords }, (_, n) => n);
  const written = pages.filter((n) => ram.subarray(n * pageWords, (n + 1) * pageWords).some((word) => word !== 0));
  expect(written.length).toBeGreaterThan(0);
  expect(written.filter((n) => !may.includes(n))).toEqual([]);
  expect(new Set(may).size).toBe(may.length);
  expect(count).toBe(may.length);
}

/** Snapshots take a page for zeros that nobody has written to, as they take one for unchanged later on. */
describe.each(guests)("what is loaded and set up for %s is told to snapshots", (name) => {
  const assembly = assembledFile(join(examples, `${name}.asm`));
  const configurations = techniques
    .map(({ id: technique }) => configurationOf(assembly, { technique, memory: 4 }))
    .filter((configuration) => configurationProblem(configuration) === undefined);

  test.each(configurations)("$technique", (configuration) => {
    expectTold(configuration);
  });
});

test("so are a boot loader's tables and modules", () => {
  const block = (address: number) => ({ address, bytes: Uint8Array.of(1, 2, 3) });
  const assembly = assembled("bits 32\norg 100000h\nhlt");
  const handover = { blocks: [block(0x9000), block(0x20_0ffe)], registers: {} };
  expectTold({ ...configurationOf(assembly, { memory: 4 }), handover });
});
