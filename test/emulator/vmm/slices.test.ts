import { expect, test } from "vitest";
import { techniques } from "../../../isa/technique.ts";
import { hosted, spinner, vmWith } from "../machine/host.ts";
import { dword } from "./guest.ts";

/** Pages through its memory by page tables of its own, says so, and goes on counting. */
const paged = (letter: string): string => `bits 32
        org 100000h
        mov edi, 180000h
        xor eax, eax
        mov ecx, 1024
        rep stosd
        mov dword [180000h], 181003h
        mov edi, 181000h
        mov eax, 3
.fill:  stosd
        add eax, 1000h
        cmp edi, 182000h
        jb .fill
        mov eax, 180000h
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov esi, 200000h
.write: mov byte [esi], '${letter}'
        add esi, 1000h
        cmp esi, 240000h
        jb .write
        mov al, [23F000h]
        out 0E9h, al
.count: inc dword [200000h]
        jmp .count
`;

const several = techniques.map(({ id }) => id).filter((id) => id !== "bare-metal" && id !== "paravirtualization");

test.each(several)("VMs lie one behind the other in host memory, each with its VMM: %s", (technique) => {
  const machine = hosted(
    { pcpus: 1, scheduler: { name: "round-robin", options: { quantum: 500 } }, until: 150_000 },
    [vmWith("a", paged("a")), vmWith("b", paged("b"), { memory: 7 }), vmWith("c", spinner), vmWith("d", paged("d"))],
    { technique },
  );
  machine.run({ steps: 20_000_000 });
  const said = machine.events(0, 1e6, ["output"]).map((event) => [event.vm, event.kind === "output" && event.text]);
  expect(said.sort()).toEqual([
    ["a", "a"],
    ["b", "b"],
    ["d", "d"],
  ]);
  for (const vm of ["a", "b", "c", "d"]) {
    machine.look({ vm, vcpu: 0 });
    expect(machine.writableOutside).toBe(0);
    const before = dword(machine, 0x20_0000);
    expect(before).toBeGreaterThan(1000);
  }
});
