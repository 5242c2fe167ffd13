import { describe, expect, test } from "vitest";
import type { HypervisorOptions } from "../../../emulator/configuration/machine-configuration.ts";
import { hosted, vmWith } from "../machine/host.ts";
import { machineWith, outputOf } from "../machine/program.ts";
import { smp } from "../machine/smp-program.ts";
import { dword } from "./guest.ts";

const techniques = ["vtx-ept", "vtx-shadow", "svm-npt", "svm-shadow"] as const;
type Hardware = (typeof techniques)[number];

/** Two vCPUs on one physical CPU, by turns of a millisecond. */
const shared = (text: string, technique: Hardware, hypervisor: HypervisorOptions = {}) =>
  hosted(
    { pcpus: 1, scheduler: { name: "round-robin", options: { quantum: 1000 } }, until: 40_000 },
    [vmWith("guest", text, { processors: 2 })],
    { technique, hypervisor },
  );

const place = 0x30_0000;
const stealTime = (at: number): string => `
        mov ecx, 4B564D03h
        mov eax, ${at} + 1
        xor edx, edx
        wrmsr`;

describe.each(techniques)("vCPUs that share a physical CPU under %s", (technique) => {
  test("are told how much was stolen from them, and others see that they are preempted", () => {
    const machine = shared(smp("mov dword [count], 1\n.l: jmp .l", `${stealTime(place)}\n.o: jmp .o`), technique);
    machine.run({ steps: 2_900_000 });
    const [, second] = machine.vcpus();
    const told = dword(machine, place) / 1000;
    expect(told).toBeGreaterThan(9_000);
    // Since it was last told, it may have waited for a turn again; and what it is told is whole cycles of 8 ns.
    const untold = (second!.times?.runnable ?? 0) - told;
    expect(untold).toBeGreaterThan(-0.009);
    expect(untold).toBeLessThanOrEqual(1_000);
    expect(dword(machine, place + 8) % 2).toBe(0);
    expect(dword(machine, place + 16)).toBe(second!.state === "running" ? 0 : 1);
  });

  const paging = `
        mov eax, cr4
        or al, 10h
        mov cr4, eax
        mov eax, 310000h
        mov cr3, eax
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax`;
  /** The boot vCPU changes a mapping while the other is preempted, and asks for a flush in its steal time instead of interrupting it. */
  const lazy = smp(
    `
        mov edi, 310000h
        xor eax, eax
        mov ecx, 2048
        rep stosd
        mov dword [310000h], 83h
        mov dword [310004h], 311003h
        mov dword [310FECh], 0FEC00093h
        mov dword [311000h], 312003h
        mov dword [312000h], 'A'
        mov dword [313000h], 'B'
        mov dword [sum], 1
.ready: pause
        cmp dword [count], 1
        jb .ready
.found: cmp byte [${place} + 16], 1
        jne .found
        mov dword [311000h], 313003h
        mov al, 1
        mov cl, 3
        lock cmpxchg [${place} + 16], cl
        jne stop
        mov dword [sum], 2
.l:     jmp .l`,
    `
.ready: pause
        cmp dword [sum], 1
        jb .ready
        ${paging}${stealTime(place)}
        mov al, [400000h]
        mov dword [count], 1
.look:  mov al, [400000h]
        cmp dword [sum], 2
        jb .look
        mov al, [400000h]
        out 0E9h, al
        out 0F4h, al`,
  );

  test("flush their TLBs before they run again, where they were asked to", () => {
    const machine = shared(lazy, technique);
    machine.run({ steps: 1e9 });
    expect(outputOf(machine)).toBe("B");
  });

  test("and do not, where that feature is left out", () => {
    const machine = shared(lazy, technique, { withoutFeatures: ["PV_TLB_FLUSH"] });
    machine.run({ steps: 1e9 });
    expect(outputOf(machine)).toBe("A");
  });

  test("spin no longer than a PAUSE loop may, and yield to the one that is preempted", () => {
    const spin = smp("mov dword [sum], 1\n.l: pause\n jmp .l", "lock inc dword [count]\n.o: jmp .o");
    const machine = shared(spin, technique, { pauseLoop: {} });
    machine.run({ steps: 1e9 });
    const entries = machine.events(0, 1e6, ["entry"]).flatMap((e) => (e.kind === "entry" ? [e.handled] : []));
    expect(entries).toContain("yielded to vCPU 1");
    const [first, second] = machine.vcpus();
    expect(second!.times!.running).toBeGreaterThan(10 * first!.times!.running);
  });
});

test.each(techniques)("KICK_CPU ends a halt with interrupts disabled, also one that has not begun: %s", (technique) => {
  const text = smp(
    `
.wait:  pause
        cmp dword [count], 1
        jb .wait
        mov eax, 5
        xor ebx, ebx
        mov ecx, 1
        vmcall
.again: pause
        cmp dword [count], 2
        jb .again
        mov eax, 5
        mov ecx, 1
        vmcall
        mov dword [sum], 1
.third: pause
        cmp dword [count], 3
        jb .third
        mov al, 'k'
        out 0E9h, al`,
    `
        lock inc dword [count]
        hlt
        lock inc dword [count]
.kicked: pause
        cmp dword [sum], 1
        jb .kicked
        hlt
        lock inc dword [count]
        jmp stop`,
  );
  const machine = machineWith(text, { technique, processors: 2, memory: 8 });
  machine.run({ steps: 1_000_000 });
  expect(machine.stopped).toMatchObject({ reason: "halted" });
  expect(outputOf(machine)).toBe("k");
});

/** A paravirtual guest that has its run states kept at 100800h, and sleeps for a millisecond after every 200,000 rounds. */
const xenRunner = `%pragma ringside mode xen
        org 100000h
        bits 32
        mov eax, 24                     ; vcpu_op register_runstate_memory_area
        mov ebx, 5
        xor ecx, ecx
        mov edx, request
        int 82h
.again: mov ecx, 200000
.work:  loop .work
        mov eax, [100800h + 12]         ; running, runnable, blocked: together the time until now, or a little before
        mov edx, [100800h + 16]
        add eax, [100800h + 20]
        adc edx, [100800h + 24]
        add eax, [100800h + 28]
        adc edx, [100800h + 32]
        add eax, 2000000
        adc edx, 0
        mov [poll.timeout], eax
        mov [poll.timeout + 4], edx
        mov eax, 29                     ; sched_op poll
        mov ebx, 3
        mov ecx, poll
        int 82h
        jmp .again
request: dd 100800h, 0
poll:   dd 0, 0
.timeout: dq 0
        times 800h - ($ - $$) db 0
        times 48 db 0
`;

test("Xen's run states are those that the scheduler counts", () => {
  const machine = hosted(
    { pcpus: 1, scheduler: { name: "round-robin", options: { quantum: 1000 } }, until: 1_000_000 },
    [vmWith("a", xenRunner), vmWith("b", xenRunner)],
    { technique: "paravirtualization" },
  );
  machine.run({ steps: 3_000_000 });
  for (const { vm, times } of machine.vcpus()) {
    machine.look({ vm, vcpu: 0 });
    const bytes = Uint8Array.from(machine.readMemory("linear", 0x10_0800n, 44), (byte) => byte ?? 0);
    const [running, runnable, blocked, offline] = [12, 20, 28, 36].map(
      (at) => Number(new DataView(bytes.buffer).getBigUint64(at, true)) / 1000,
    );
    expect(offline).toBe(0);
    // Since the guest was last told, one of them went on; the scheduler's clock is in microseconds.
    for (const [told, counted] of [
      [running, times!.running],
      [runnable, times!.runnable],
      [blocked, times!.blocked],
    ] as const) {
      expect(told).toBeGreaterThan(1000);
      expect(Math.abs(counted - told!)).toBeLessThan(2100);
    }
  }
});
