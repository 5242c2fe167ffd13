import { describe, expect, test } from "vitest";
import type { MachineInterface } from "../../../emulator/index.ts";
import type { TechniqueId } from "../../../isa/technique.ts";
import { boot } from "../vmm/guest.ts";
import { identityPaging, pagingOn } from "../vmm/setup.ts";

/** Pages of 2 MiB in the nested tables: level 2 of them maps the guest's memory, which begins at host-physical 200000h. */
function mapByLargePages(machine: MachineInterface, linear: bigint): void {
  const { steps } = machine.walk(linear);
  const directory = steps.find(({ table }) => table === "EPT PDE")!;
  const writeBack = 0x20_0000n | 0x80n | 0x30n | 7n;
  const bytes = Uint8Array.from({ length: 8 }, (_, n) => Number((writeBack >> BigInt(8 * n)) & 0xffn));
  machine.writeMemory("host-physical", BigInt(`0x${directory.address}`), bytes);
}

/** Guests that turn their paging on, touch 40000h, and end. All tables are below 2 MiB. */
const guests: Readonly<Record<string, string>> = {
  unpaged: `
%pragma ringside mode protected
        org 8000h
        bits 32`,
  "32-bit": `
%pragma ringside mode protected
        org 8000h
        bits 32
${identityPaging}`,
  "32-bit, 4 MiB page": `
%pragma ringside mode protected
        org 8000h
        bits 32
        mov dword [20000h], 87h
        mov eax, 10h
        mov cr4, eax
${pagingOn()}`,
  PAE: `
%pragma ringside mode protected
        org 8000h
        bits 32
        mov dword [20000h], 21001h
        mov dword [21000h], 22007h
        mov edi, 22000h
        mov eax, 7
        mov ecx, 200h
.fill:  mov [edi], eax
        add edi, 8
        add eax, 1000h
        loop .fill
        mov eax, 20h
        mov cr4, eax
${pagingOn()}`,
  "4-level": `
%pragma ringside mode long
        org 8000h
        bits 64
        mov dword [20000h], 21007h
        mov dword [21000h], 22007h
        mov dword [22000h], 23007h
        mov edi, 23000h
        mov eax, 7
        mov ecx, 200h
.fill:  mov [rdi], eax
        add rdi, 8
        add eax, 1000h
        loop .fill
        mov eax, 20000h
        mov cr3, rax`,
  "4-level, 2 MiB page": `
%pragma ringside mode long
        org 8000h
        bits 64`,
};

const end = "\n        mov ebx, [40000h]\n        cli\n        hlt\n";

function started(technique: TechniqueId, guest: string): MachineInterface {
  const machine = boot(technique, guests[guest]! + end);
  expect(machine.run({ steps: 50_000 })).toMatchObject({ reason: "halted" });
  return machine;
}

describe("memory references of a walk with nothing cached: (n + 1)(m + 1) - 1", () => {
  test.each([
    // Guest, its levels alone, EPT of 4 KiB pages, EPT of 2 MiB pages.
    ["unpaged", 0, 4, 3],
    ["32-bit", 2, 14, 11],
    ["32-bit, 4 MiB page", 1, 9, 7],
    ["PAE", 2, 14, 11],
    ["4-level", 4, 24, 19],
    ["4-level, 2 MiB page", 3, 19, 15],
  ])("%s: %i alone, %i under EPT, %i with EPT of 2 MiB pages", (guest, alone, small, large) => {
    expect(started("bare-metal", guest).walk(0x40000n).references.cold).toBe(alone);
    const nested = started("vtx-ept", guest);
    expect(nested.walk(0x40000n).references.cold).toBe(small);
    mapByLargePages(nested, 0x40000n);
    expect(nested.walk(0x40000n).references.cold).toBe(large);
  });

  test("the processor walks as many tables of a shadow as the guest has, large pages in one more", () => {
    expect(started("vtx-shadow", "4-level").walk(0x40000n).references).toEqual({ cold: 4, warm: 1 });
    expect(started("vtx-shadow", "4-level, 2 MiB page").walk(0x40000n).references).toEqual({ cold: 4, warm: 1 });
    expect(started("vtx-shadow", "32-bit").walk(0x40000n).references).toEqual({ cold: 2, warm: 1 });
  });

  test("the 24 come in the order of the manual, and caches spare all but the guest's last entry", () => {
    const { steps, references } = started("vtx-ept", "4-level").walk(0x40000n);
    const nested = ["EPT PML4E", "EPT PDPTE", "EPT PDE", "EPT PTE"];
    const tables = ["PML4E", "PDPTE", "PDE", "PTE"].flatMap((table) => [...nested, table]);
    expect(steps.map(({ table }) => table)).toEqual([...tables, ...nested]);
    expect(references).toEqual({ cold: 24, warm: 1 });
    expect(steps.filter(({ spared }) => spared === undefined).map(({ table }) => table)).toEqual(["PTE"]);
  });
});
