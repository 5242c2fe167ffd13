import { describe, expect, test } from "vitest";
import { nanosecondsOf, tickScale } from "../../../emulator/vmm/paravirtual-clock.ts";
import { dword, protectedGuest, register, run } from "./guest.ts";

const techniques = ["vtx-ept", "vtx-shadow", "svm-npt", "svm-shadow"] as const;
const vmcall = { "vtx-ept": "vmcall", "vtx-shadow": "vmcall", "svm-npt": "vmmcall", "svm-shadow": "vmmcall" } as const;
const at = 0x6000;

const qword = (machine: Parameters<typeof dword>[0], address: number): bigint =>
  BigInt(dword(machine, address)) + (BigInt(dword(machine, address + 4)) << 32n);

describe.each(techniques)("KVM's interface under %s", (technique) => {
  const left = (body: string) => run(technique, protectedGuest(body.replaceAll("vmcall", vmcall[technique])));
  const call = (registers: string) => left(`${registers}\n vmcall`);
  const write = (msr: string, value: string) => left(`mov ecx, ${msr}\n mov eax, ${value}\n xor edx, edx\n wrmsr`);

  // number, registers, result, what the event says
  test.each([
    ["VAPIC_POLL_IRQ", "mov eax, 1", 0, "0"],
    ["KICK_CPU", "mov eax, 5\n xor ebx, ebx\n xor ecx, ecx", 0, "0"],
    ["SCHED_YIELD", "mov eax, 11\n xor ebx, ebx", 0, "0"],
    ["CLOCK_PAIRING", `mov eax, 9\n mov ebx, ${at}\n xor ecx, ecx`, 0, "0"],
    ["CLOCK_PAIRING", `mov eax, 9\n mov ebx, ${at}\n mov ecx, 1`, -95, "-95 (EOPNOTSUPP): there is no clock of type 1"],
    ["CLOCK_PAIRING", "mov eax, 9\n mov ebx, 0FFFFFFF0h\n xor ecx, ecx", -14, "-14 (EFAULT): the address is outside"],
    ["SEND_IPI", "mov eax, 10\n mov ebx, 3\n xor ecx, ecx\n xor edx, edx\n mov esi, 30h", 1, "1"],
    ["SEND_IPI", "mov eax, 10\n mov ebx, 1\n xor ecx, ecx\n mov edx, 5\n mov esi, 30h", 0, "0"],
    ["SEND_IPI", "mov eax, 10\n mov ebx, 1\n mov esi, 40030h", -22, "-22 (EINVAL): the command names a destination"],
    ["MAP_GPA_RANGE", "mov eax, 12", -1000, "-1000 (ENOSYS): there is no MAP_GPA_RANGE"],
    ["MMU_OP", "mov eax, 2", -1000, "-1000 (ENOSYS): there is no MMU_OP"],
    ["unknown", "mov eax, 12345h", -1000, "-1000 (ENOSYS): there is no hypercall 74565"],
  ])("%s after %j gives %i", (name, registers, result, text) => {
    const { machine, events } = call(registers);
    expect(BigInt.asIntN(32, register(machine, "RAX"))).toBe(BigInt(result));
    const event = events.find(({ kind }) => kind === "hypercall");
    expect(event).toMatchObject({ name, result: expect.stringContaining(text) });
  });

  test("CLOCK_PAIRING gives the time of day and the counter at the same moment", () => {
    const { machine } = call(`mov eax, 9\n mov ebx, ${at}\n xor ecx, ecx`);
    expect(qword(machine, at)).toBe(BigInt(Date.UTC(2026, 0, 1, 12) / 1000));
    expect(qword(machine, at + 8)).toBe(nanosecondsOf(Number(qword(machine, at + 16))));
  });

  test.each(["4B564D01h", "12h"])("the clock at MSR %s says when it was, and how to go on", (msr) => {
    const { machine, exits } = write(msr, `${at} + 1`);
    expect(exits.some(({ reason }) => /MSR/.test(reason))).toBe(true);
    expect(dword(machine, at)).toBe(2);
    expect(qword(machine, at + 16)).toBe(nanosecondsOf(Number(qword(machine, at + 8))));
    expect(dword(machine, at + 24)).toBe(tickScale.multiplier);
    expect(dword(machine, at + 28)).toBe(tickScale.shift | (1 << 8));
  });

  test("the clock follows a counter that the guest sets", () => {
    const { machine } = left(`
      mov ecx, 4B564D01h
      mov eax, ${at} + 1
      xor edx, edx
      wrmsr
      mov ecx, 10h
      mov eax, 5
      mov edx, 7
      wrmsr`);
    expect(dword(machine, at)).toBe(4);
    expect(dword(machine, at + 12)).toBe(7);
    expect(qword(machine, at + 16)).toBeLessThan(1_000_000n);
  });

  test("the wall clock is when the guest was started, whenever it asks", () => {
    const { machine } = write("4B564D00h", `${at}`);
    expect([dword(machine, at), dword(machine, at + 4), dword(machine, at + 8)]).toEqual([
      2,
      Date.UTC(2026, 0, 1, 12) / 1000,
      0,
    ]);
  });

  test("no time is stolen", () => {
    const { machine } = write("4B564D03h", `${at} + 1`);
    expect([qword(machine, at), dword(machine, at + 8)]).toEqual([0n, 2]);
  });

  test.each([
    ["a reserved bit of steal time", "4B564D03h", `${at} + 3`],
    ["a reserved bit of poll control", "4B564D05h", "2"],
    ["paravirtual EOI, which is not there", "4B564D04h", "1"],
    ["asynchronous page faults, which are not there", "4B564D02h", "1"],
  ])("#GP(0) for %s", (_, msr, value) => {
    const { events } = write(msr, value);
    expect(events.find(({ kind }) => kind === "inject")).toMatchObject({ name: "#GP", errorCode: 0 });
  });

  test("registers read as written; host polling is on at the start", () => {
    expect(register(left("mov ecx, 4B564D05h\n rdmsr").machine, "RAX")).toBe(1n);
    const { machine } = left(`mov ecx, 12h\n mov eax, ${at} + 1\n xor edx, edx\n wrmsr\n mov ecx, 4B564D01h\n rdmsr`);
    expect(register(machine, "RAX")).toBe(BigInt(at + 1));
  });

  test("an address outside memory is written nowhere", () => {
    const { machine, events } = write("4B564D01h", "0FFFFF001h");
    expect(register(machine, "RCX")).toBe(0x4b56_4d01n);
    expect(
      events.find((event) => event.kind === "entry" && /outside the guest's memory/.test(event.handled)),
    ).toBeDefined();
  });

  test("its state goes back with the rest", () => {
    const { machine } = write("4B564D05h", "0");
    const end = machine.now;
    machine.goTo(1);
    machine.goTo(end);
    expect(register(machine, "RCX")).toBe(0x4b56_4d05n);
  });
});

test.each(techniques)("real-mode code finds KVM's registers too: %s", (technique) => {
  const { machine } = run(
    technique,
    "org 7C00h\n mov ecx, 4B564D05h\n rdmsr\n mov ebx, eax\n xor eax, eax\n wrmsr\n rdmsr\n cli\n hlt",
  );
  expect([register(machine, "RBX"), register(machine, "RAX")]).toEqual([1n, 0n]);
});

describe.each(["bare-metal", "trap-and-emulate"] as const)("under %s there is no KVM", (technique) => {
  test("its registers are #GP", () => {
    const { events } = run(technique, protectedGuest("mov ecx, 4B564D01h\n rdmsr"));
    expect(events.find((event) => event.kind === "exception" || event.kind === "inject")).toMatchObject({
      name: "#GP",
    });
  });
});
