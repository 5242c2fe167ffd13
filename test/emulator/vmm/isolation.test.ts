import { describe, expect, it, test } from "vitest";
import { Machine } from "../../../emulator/index.ts";
import { type Technique, type TechniqueId, techniques } from "../../../isa/technique.ts";
import { vmWith } from "../machine/host.ts";
import { boot, guestMemory, registersOf } from "./guest.ts";
import { hostileGuest, hostileLongGuest } from "./hostile-guest.ts";

/** Techniques with a hypervisor that run guests which were not written for them. */
const hosts = (techniques as readonly (Technique & { readonly id: TechniqueId })[])
  .filter(({ kernel }) => kernel !== "native" && kernel !== "hypercalls")
  .map(({ id }) => id);

/** A page of host memory that the VMM leaves alone: what another owner would have there. */
const secretPage = 0n;
const secretBytes = 4096;

function runWith(technique: TechniqueId, source: string, secret: number): Machine {
  const machine = boot(technique, source, 1, true);
  machine.writeMemory("host-physical", secretPage, new Uint8Array(secretBytes).fill(secret));
  machine.run({ steps: 400_000 });
  return machine;
}

/** All that the guest has come to know: registers, memory, exceptions. */
function learned(machine: Machine) {
  const exceptions = machine
    .events(0, Number.MAX_SAFE_INTEGER, ["exception"])
    .flatMap((event) => (event.kind === "exception" ? [`${event.name} ${event.errorCode} ${event.address}`] : []));
  const stopped = machine.stopped?.text;
  const memory = Buffer.from(guestMemory(machine)).toString("base64");
  return { exceptions, stopped, memory, registers: registersOf(machine), instructions: machine.instructions };
}

describe.each(hosts)("%s: a hostile guest", (technique) => {
  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    "neither changes nor learns what is not its own: seed %i",
    (seed) => {
      const source = hostileGuest(seed, 120);
      const one = runWith(technique, source, 0x5a);
      const other = runWith(technique, source, 0xc3);
      expect(learned(other)).toEqual(learned(one));
      if (seed % 3 < 2) expect(learned(one).stopped).toMatch(/^HLT/);
      for (const [machine, secret] of [
        [one, 0x5a],
        [other, 0xc3],
      ] as const) {
        expect(machine.writableOutside).toBe(0);
        expect(new Set(machine.readMemory("host-physical", secretPage, secretBytes))).toEqual(new Set([secret]));
      }
    },
  );

  it("cannot keep the processor: with interrupts masked in an endless loop it leaves at the timer's interrupt", () => {
    const machine = boot(
      technique,
      `%pragma ringside mode protected
      org 8000h
      bits 32
      cli
      mov al, 34h
      out 43h, al
      mov al, 0
      out 40h, al
      mov al, 0FFh
      out 40h, al
      ; the 8259 anew, so that no old edge of the timer waits in it
      mov al, 13h
      out 20h, al
      mov al, 20h
      out 21h, al
      mov al, 1
      out 21h, al
      mov al, 0FEh
      out 21h, al
      jmp $`,
    );
    machine.run({ steps: 8_000_000 });
    const reasons = machine
      .events(0, Number.MAX_SAFE_INTEGER, ["exit"])
      .flatMap((e) => (e.kind === "exit" ? [e.reason] : []));
    expect(machine.stopped).toBeUndefined();
    expect(reasons.at(-1)).toMatch(/^(EXTERNAL_INTERRUPT|VMEXIT_INTR|INTR)$/);
  });
});

describe("trap-and-emulate: a hostile guest in long mode", () => {
  test.each(Array.from({ length: 6 }, (_, seed) => seed))(
    "neither changes nor learns what is not its own: seed %i",
    (seed) => {
      const source = hostileLongGuest(seed, 100);
      const [one, other] = [0x5a, 0xc3].map((secret) => runWith("trap-and-emulate", source, secret));
      expect(learned(other!)).toEqual(learned(one!));
      expect(learned(one!).stopped).toMatch(/^HLT|triple-fault|linear address/);
      for (const [machine, secret] of [
        [one!, 0x5a],
        [other!, 0xc3],
      ] as const) {
        expect(machine.writableOutside).toBe(0);
        expect(new Set(machine.readMemory("host-physical", secretPage, secretBytes))).toEqual(new Set([secret]));
      }
    },
  );
});

/** A VM that fills most of its memory with a byte, and then looks whether all of it is still there, for ever; it stops where it is not. */
const neighbour = (byte: number): string => `bits 32
        org 1000h
        mov edi, 4000h
        mov ecx, 0E8000h
        mov al, ${byte}
        rep stosb
check:  mov edi, 4000h
        mov ecx, 0E8000h
        repe scasb
        jne changed
        jmp check
changed: mov al, 1
        out 0F4h, al
`;

const besides = (technique: TechniqueId, source: string, byte: number): Machine =>
  new Machine({
    technique,
    host: { pcpus: 1, scheduler: { name: "round-robin", options: { quantum: 500 } }, until: 20_000 },
    vms: [
      vmWith("before", neighbour(byte), { memory: 1 }),
      vmWith("hostile", source, { memory: 1 }),
      vmWith("after", neighbour(byte), { memory: 1 }),
    ],
  });

describe.each(hosts)("%s: beside other VMs, a hostile guest", (technique) => {
  test.each([0, 1])("neither changes nor learns what is theirs: seed %i", (seed) => {
    const source = hostileGuest(seed, 120);
    const [one, other] = [0x5a, 0xc3].map((byte) => {
      const machine = besides(technique, source, byte);
      machine.run({ steps: 2 ** 40 });
      const stops = machine.events(0, Number.MAX_SAFE_INTEGER, ["stop"]);
      expect(stops.flatMap((event) => (event.kind === "stop" && event.vm !== "hostile" ? [event.reason] : []))).toEqual(
        ["time-limit", "time-limit"],
      );
      machine.look({ vm: "hostile", vcpu: 0 });
      expect(machine.writableOutside).toBe(0);
      const { exceptions, memory, registers } = learned(machine);
      return { exceptions, memory, registers };
    });
    expect(other).toEqual(one);
  });

  it("cannot keep more than its share with interrupts masked in an endless loop", () => {
    const machine = besides(technique, "org 8000h\nbits 32\ncli\njmp $", 0x11);
    machine.run({ steps: 2 ** 40 });
    const running = machine.schedule()!.vcpus.map(({ times }) => times.running);
    expect(running.reduce((sum, time) => sum + time)).toBe(20_000);
    for (const time of running) expect(time).toBeCloseTo(20_000 / 3, -3);
  });
});
