import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { layout, ramBase, tlbBase, tlbBytes, tlbEntryBytes, tlbGuard } from "../../../emulator/cpu/layout.ts";
import { configurationProblem, Machine } from "../../../emulator/index.ts";
import { techniques } from "../../../isa/technique.ts";
import { assembled, configurationOf, machineWith } from "./program.ts";

const examples = join(import.meta.dirname, "../../../examples");

/** Which pages are guarded is the engine's business: a mark in TLB tags that changes nothing the guest can see. */
function withoutGuards(tlb: Uint8Array): Uint8Array {
  const words = new Uint32Array(tlb.slice().buffer);
  for (let n = 1; n < words.length; n += tlbEntryBytes / 4) words[n]! &= ~tlbGuard;
  return new Uint8Array(words.buffer);
}

/** FNV-1a over 32-bit words. */
function digest(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const word of new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2))
    hash = Math.imul(hash ^ word, 0x01000193);
  return hash;
}

/** Everything there is: processor, TLB, memory, devices, VMM, consoles, event stream. */
function stateOf(machine: Machine) {
  const { bytes } = machine;
  // How many steps translated code may take is the run loop's note to itself.
  const processor = [...bytes.subarray(0, layout.fuel), ...bytes.subarray(layout.fuel + 4, layout.end)];
  return {
    processor,
    tlb: digest(withoutGuards(bytes.subarray(tlbBase, tlbBase + tlbBytes))),
    memory: digest(bytes.subarray(ramBase)),
    rest: JSON.parse(JSON.stringify(machine.save())),
    pending: machine.pendingExit?.sequence,
    stopped: machine.stopped,
    events: machine.events(0, Number.MAX_SAFE_INTEGER),
  };
}

const guests = [
  "exits",
  "timer",
  "user-mode",
  "self-modifying",
  "page-fault",
  "paging-two-level",
  "silent-lies",
  "hello",
  "ring-compression",
  "hypervisor",
  "hypervisor-ept",
  "hypervisor-steps",
  "hypervisor-views",
  "kvm-clock",
  "xen-hello",
  "xen-pagetable",
  "xen-events",
  "xen-user-mode",
];
const ids = techniques.map(({ id }) => id);

const machinesOf = (name: string) => {
  const assembly = assembled(readFileSync(join(examples, `${name}.asm`), "utf8"), name);
  const configurations = ids.map((technique) => configurationOf(assembly, { technique, memory: 4 }));
  return configurations.filter((configuration) => configurationProblem(configuration) === undefined);
};

describe.each(guests)("%s", (name) => {
  test.each(machinesOf(name))("one step at a time is the same run: $technique", (configuration) => {
    const [straight, stepped] = [new Machine(configuration), new Machine(configuration)];
    straight.run({ steps: 1000 });
    while (stepped.now < straight.now && stepped.step().kind !== "stopped");
    if (straight.stopped) stepped.step();
    expect(stateOf(stepped)).toEqual(stateOf(straight));
  });

  test.each(machinesOf(name))("back and forth is the same run: $technique", (configuration) => {
    const machine = new Machine(configuration);
    machine.run({ steps: 1000 });
    const end = machine.now;
    const last = stateOf(machine);
    fc.assert(
      fc.property(fc.nat(end - 1), fc.nat(end - 1), (k, n) => {
        machine.goTo(k);
        const there = stateOf(machine);
        machine.step();
        machine.goTo(k);
        expect(stateOf(machine)).toEqual(there);
        machine.goTo(n);
        machine.run({ steps: 1000 - machine.now });
        expect(stateOf(machine)).toEqual(last);
      }),
      { numRuns: 4 },
    );
  });
});

/** What a loop of a random program is made of; EDI goes through 2 MiB, EBP counts rounds. */
const deeds = [
  "mov [edi], ebp",
  "add dword [edi + 1000h], ebp",
  "cpuid",
  "mov eax, cr3",
  "out 0E9h, al",
  "in al, 40h",
  "inc byte [patched + 1]\npatched: mov al, 0",
  "mov ecx, 20\nrep stosd",
  "push ebp\npop edx",
  "imul ebp, ebp, 69069\ninc ebp",
  "lea edi, [edi + 1234h]",
] as const;

const programOf = (body: readonly string[]): string => `
        bits 32
        org 10000h
        mov esp, 9000h
again:  ${body.join("\n        ")}
        add edi, 4
        and edi, 1FFFFCh
        or edi, 100000h
        inc ebp
        jmp again`;

/** Far enough that snapshots are left on the way and near where somebody goes (`emulator/time/timeline.ts`). */
const far = 40_000;

describe.each(ids.filter((id) => id !== "paravirtualization"))("random programs under %s", (technique) => {
  test("each moment is found again, whatever the way there", () => {
    const journey = fc.array(fc.nat(5), { minLength: 3, maxLength: 6 });
    fc.assert(
      fc.property(fc.subarray([...deeds], { minLength: 2 }), fc.nat(far / 8), journey, (body, offset, places) => {
        const machine = new Machine(configurationOf(assembled(programOf(body)), { technique, memory: 4 }));
        const known = Array.from({ length: 6 }, () => {
          machine.run({ steps: far / 8 + offset });
          return { now: machine.now, state: stateOf(machine) };
        });
        expect(machine.stopped).toBeUndefined();
        for (const place of places) {
          machine.goTo(known[place]!.now);
          expect(stateOf(machine)).toEqual(known[place]!.state);
        }
      }),
      { numRuns: 4 },
    );
  });
});

describe("what a person does is part of the past", () => {
  const echo = `bits 16
    org 7C00h
      mov dx, 3FDh
    wait_for:
      in al, dx
      test al, 1
      jz wait_for
      mov dx, 3F8h
      in al, dx
      mov bl, al
      out 0E9h, al
      mov dx, 3FDh
      jmp wait_for`;

  test("typing and editing are done again at their moments", () => {
    const machine = machineWith(echo, { memory: 1 });
    machine.run({ steps: 50 });
    machine.input("a");
    machine.run({ steps: 50 });
    expect(machine.setRegister("ESI", 0x1234n)).toBe(true);
    expect(machine.writeMemory("guest-physical", 0x9000n, Uint8Array.of(1, 2, 3))).toBe(3);
    machine.run({ steps: 50 });
    machine.input("é");
    machine.run({ steps: 350 });
    const state = stateOf(machine);
    expect(state.events.flatMap((e) => (e.kind === "output" ? [e.text] : [])).join("")).toBe("aé");
    machine.goTo(60);
    expect(machine.readMemory("guest-physical", 0x9000n, 1)).toEqual([0]);
    machine.run({ steps: 440 });
    expect(stateOf(machine)).toEqual(state);
  });

  test("doing something else in the past makes another future", () => {
    const machine = machineWith(echo, { memory: 1 });
    machine.run({ steps: 50 });
    machine.input("a");
    machine.run({ steps: 50 });
    machine.goTo(40);
    machine.input("b");
    machine.run({ steps: 200 });
    const other = machineWith(echo, { memory: 1 });
    other.run({ steps: 40 });
    other.input("b");
    other.run({ steps: 200 });
    expect(stateOf(machine)).toEqual(stateOf(other));
  });

  test("a guest that waits for input goes on when there is some, also in a replay", () => {
    const machine = machineWith(
      `bits 32
      org 8000h
        lidt [idtr]
        mov al, 11h
        out 20h, al
        mov al, 20h
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0EFh
        out 21h, al
        mov dx, 3F9h
        mov al, 1
        out dx, al
        mov dx, 3FCh
        mov al, 8
        out dx, al
        sti
        hlt
        cli
        hlt
      received:
        mov dx, 3F8h
        in al, dx
        out 0E9h, al
        mov al, 20h
        out 20h, al
        iretd
      align 8
      idt: times 24h dq 0
        dw received, 8, 8E00h, 0
      idtr: dw idtr - idt - 1
        dd idt`,
      { memory: 1 },
    );
    expect(machine.run({ steps: 1000 })).toMatchObject({ text: expect.stringContaining("waits for input") });
    machine.input("x");
    expect(machine.run({ steps: 1000 })).toMatchObject({ kind: "stopped", text: expect.stringContaining("IF = 0") });
    const state = stateOf(machine);
    const end = machine.now;
    machine.goTo(5);
    machine.run({ steps: 1000 });
    expect(machine.now).toBe(end);
    expect(stateOf(machine)).toEqual(state);
    machine.input("y");
    expect(machine.run({ steps: 1000 })).toEqual(state.stopped);
  });
});
