import { describe, expect, it, test } from "vitest";
import { lockstep } from "../../../emulator/compare/lockstep.ts";
import { compareUnder } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { assembled, configurationOf, machineWith } from "../machine/program.ts";

const clock = "instructions";

function first(source: string, technique: TechniqueId, limit = 3_000_000) {
  const hosted = machineWith(source, { technique, clock, vmx: false });
  return lockstep(machineWith(source, { technique: "bare-metal", clock, vmx: false }), hosted, limit);
}

const head = "%pragma ringside mode protected\nbits 32\norg 100000h\n";
/** Instructions that pass before the interesting one: none, or more than are compared one by one. */
const early = "";
const late = "mov ecx, 700_000\nwait_a_while: loop wait_a_while\n";

/** What lies in ring 1, and what a guest sees of it. */
const lies = [
  { name: "MOV r, CS", code: "mov eax, cs", difference: { name: "RAX", bare: "8", hosted: "9" } },
  { name: "SMSW", code: "smsw eax", difference: { name: "RAX", bare: "11", hosted: "80010031" } },
  { name: "POPF", code: "sti\npush dword 2\npopfd", difference: { name: "IF", bare: "0", hosted: "1" } },
] as const;

describe("trap and emulate is told from the bare machine at the instruction that lies", () => {
  for (const [when, before] of [
    ["early", early],
    ["late", late],
  ] as const)
    test.each(lies)(`${when}: $name`, ({ code, difference }) => {
      const { divergence } = first(`${head}${before}${code}\nmov ebx, 1\ncli\nhlt`, "trap-and-emulate");
      expect(divergence?.registers).toEqual([difference]);
    });

  it("tells memory that differs, at the instruction that wrote it", () => {
    const { divergence } = first(
      `${head}nop\nat: sgdt [table]\nmov eax, [table + 2]\ncli\nhlt\ntable: times 6 db 0`,
      "trap-and-emulate",
    );
    expect(divergence).toMatchObject({ instructions: 1, address: "100001", registers: [] });
    expect(divergence?.memory.length).toBeGreaterThan(0);
  });

  it("tells ends that differ", () => {
    const { divergence } = first(
      `${head}mov eax, cs\ncmp eax, 8\njne other\ncli\nhlt\nother: mov byte [0FFFFFFFFh], 1`,
      "trap-and-emulate",
    );
    expect(divergence?.instructions).toBe(0);
  });
});

/** Guests that no technique may be told by, with something in each that a monitor has work with. */
const guests = {
  "port I/O and CPUID": "mov dx, 0E9h\nmov al, 'x'\nout dx, al\nxor eax, eax\ncpuid\nin al, 61h",
  "repeated output": "mov esi, text\nmov ecx, 5\nmov dx, 0E9h\nrep outsb\njmp over\ntext: db 'hello'\nover:",
  "a timer read between instructions": "mov al, 0\nout 43h, al\nin al, 40h\nmov bl, al\nin al, 40h\nrdtsc",
  "a long loop": late,
} as const;

describe("guests that see no difference", () => {
  for (const technique of ["vtx-ept", "trap-and-emulate"] as const)
    test.each(Object.entries(guests))(`${technique}: %s`, (_, body) => {
      const { divergence, instructions } = first(`${head}${body}\ncli\nhlt`, technique);
      expect(divergence).toBeUndefined();
      expect(instructions).toBeGreaterThan(3);
    });
});

describe("compare", () => {
  const base = configurationOf(assembled(`${head}mov dx, 0E9h\nmov al, 'x'\nout dx, al\ncpuid\ncli\nhlt`));
  const totals = (technique: TechniqueId) => {
    const run = compareUnder(base, technique, { limit: 10_000 });
    if (run.refused !== undefined) throw new Error(run.refused);
    return run.totals;
  };
  const reasons = (technique: TechniqueId) => totals(technique).exits.map(({ name }) => name);

  it("counts what happened under each technique", () => {
    expect(totals("bare-metal")).toMatchObject({ output: "x", exits: [], instructions: 6, direct: 6 });
    expect(reasons("vtx-ept")).toEqual(expect.arrayContaining(["IO_INSTRUCTION", "CPUID", "EPT_VIOLATION", "HLT"]));
    expect(reasons("trap-and-emulate")).toContain("#GP");
  });

  it("prices crossings by the cost profile", () => {
    const bare = totals("bare-metal").cycles;
    for (const technique of ["vtx-ept", "trap-and-emulate"] as const)
      expect(totals(technique).cycles).toBeGreaterThan(bare);
  });

  it("says why a technique is not run", () => {
    const real = configurationOf(assembled("bits 16\norg 7C00h\nhlt"));
    expect(compareUnder(real, "trap-and-emulate", { limit: 100 }).refused).toContain("real mode");
  });
});
