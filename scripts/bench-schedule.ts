/**
 * Measures what sharing costs the host: `npm run bench:schedule [scheduler …]`. Prints millions of instructions a second of CPU time
 * for 64 VMs with a vCPU each on 8 physical CPUs, and for one of these vCPUs alone, best of several runs after a warm-up. Figures are
 * of this machine at this moment; only ratios mean something elsewhere.
 */

import { assemble } from "../assembler/index.ts";
import type { VmConfiguration } from "../emulator/configuration/machine-configuration.ts";
import { Machine } from "../emulator/index.ts";
import { schedulers } from "../emulator/schedule/schedulers.ts";

/** Sieves numbers for primes, again and again: branches, calls, and memory in 17 pages. */
const text = `
        bits 32
        org 1000h
again:  mov edi, 8000h
        mov ecx, 10000h / 4
        xor eax, eax
        rep stosd
        mov esi, 2
next:   cmp byte [8000h + esi], 0
        jne .known
        call strike
.known: inc esi
        cmp esi, 10000h
        jb next
        inc dword [rounds]
        jmp again
strike: mov eax, esi
.more:  add eax, esi
        cmp eax, 10000h
        jae .done
        mov byte [8000h + eax], 1
        jmp .more
.done:  ret
rounds: dd 0
`;

const vcpus = 64;
const pcpus = 8;
const steps = 400_000_000;
const runs = 3;
const technique = "vtx-ept";

const { bytes: image, origin } = assemble({ file: "sieve.asm", text });
const vm = (n: number): VmConfiguration => ({ name: `vm${n}`, image, origin, mode: "protected", memory: 1 });

/** Millions of instructions a second. */
function rate(make: () => Machine): number {
  const machine = make();
  machine.run({ steps });
  let best = 0;
  for (let n = 0; n < runs; n++) {
    const { instructions } = machine;
    const begun = process.cpuUsage();
    machine.run({ steps });
    const { user, system } = process.cpuUsage(begun);
    best = Math.max(best, (machine.instructions - instructions) / (user + system));
  }
  return best;
}

const alone = rate(() => new Machine({ technique, vms: [vm(0)] }));
console.log(`one vCPU alone: ${alone.toFixed(1)} million instructions a second`);
const named = process.argv.slice(2);
for (const { name, title } of schedulers) {
  if (named.length > 0 && !named.includes(name)) continue;
  const vms = Array.from({ length: vcpus }, (_, n) => vm(n));
  const shared = rate(() => new Machine({ technique, host: { pcpus, scheduler: { name } }, vms }));
  const ratio = (shared / alone).toFixed(2);
  console.log(`${vcpus} on ${pcpus} physical CPUs, ${title}: ${shared.toFixed(1)}, ${ratio} of that`);
}
