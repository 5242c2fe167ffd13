import { describe, expect, it, test } from "vitest";
import type { Machine } from "../../../emulator/index.ts";
import { fieldOffset } from "../../../emulator/vmx/vmcs.ts";
import { encodingParts, type VmcsField, vmcsFields } from "../../../emulator/vmx/vmcs-fields.ts";
import { machineWith } from "../machine/program.ts";
import { hypervisor, place, ran } from "./own-hypervisor.ts";

const fields = Object.keys(vmcsFields) as VmcsField[];
const telling = [
  0n,
  1n,
  3n,
  0x1000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0x8000_0b0en,
  0xffff_ffffn,
  2n ** 47n,
  2n ** 63n,
  2n ** 64n - 1n,
];

/** Numbers below 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A hypervisor that passes over what made its guest leave, some times. */
const source = (bits: 32 | 64): string => {
  const [a, c, d] = bits === 64 ? ["rax", "rcx", "rdx"] : ["eax", "ecx", "edx"];
  return hypervisor({
    bits,
    controls: { primary: 0x8000_0000 },
    guest: `cpuid\n mov eax, [600000h]\n hlt\n rdmsr\n in al, 21h\n push 1\n vmcall\n rdtsc\n pause\n mov cr0, ${a}`,
    handler: `inc ebp
        cmp ebp, 12
        jae finished
        mov edx, 440Ch
        vmread ${a}, ${d}
        mov edx, 681Eh
        vmread ${c}, ${d}
        add ${c}, ${a}
        vmwrite ${d}, ${c}
        vmresume
finished:`,
  });
};

/** Runs to just before VMLAUNCH. */
function beforeLaunch(bits: 32 | 64): Machine {
  const machine = machineWith(source(bits), { costs: "unit" });
  const atLaunch = () => machine.readMemory("linear", machine.linearRip, 3).join() === "15,1,194";
  while (!atLaunch() && !machine.stopped) machine.step();
  return machine;
}

/** Writes a field past the processor, as a debugger does. */
function change(machine: Machine, field: VmcsField, value: bigint): void {
  const { encoding } = vmcsFields[field];
  const bytes = encodingParts(encoding).bits / 8;
  const image = new Uint8Array(new BigUint64Array([BigInt.asUintN(64, value)]).buffer).slice(0, bytes);
  machine.writeMemory("guest-physical", BigInt(place.vmcs + fieldOffset(encoding)), image);
}

const outcome = (machine: Machine) => ({
  events: machine.events(0, Number.MAX_SAFE_INTEGER),
  registers: machine.registers().map(({ name, value }) => `${name} ${value}`),
});

describe("a VMCS with anything in its fields", () => {
  const prepared = { 32: beforeLaunch(32), 64: beforeLaunch(64) };
  const start = { 32: prepared[32].now, 64: prepared[64].now };

  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "runs, fails or leaves, and can be gone back over: seed %i",
    (seed) => {
      const random = numbers(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
      const bits = pick([32, 64] as const);
      const machine = prepared[bits];
      machine.goTo(start[bits]);
      for (let n = 0; n < 3; n++) {
        const wild = BigInt(Math.floor(random() * 2 ** 32)) << BigInt(Math.floor(random() * 32));
        change(machine, pick(fields), random() < 0.8 ? pick(telling) : wild);
      }
      machine.run({ steps: 600 });
      const end = machine.now - 1;
      machine.goTo(end);
      const first = outcome(machine);
      machine.goTo(Math.floor((start[bits] + end) / 2));
      machine.goTo(end);
      expect(outcome(machine)).toEqual(first);
    },
  );
});

it("is checked again where software has written past VMWRITE", () => {
  const at = place.vmcs + fieldOffset(vmcsFields.guestCr0.encoding);
  const machine = ran(
    hypervisor({
      guest: "nop\n vmcall",
      handler: `inc ebp
        cmp ebp, 2
        jae finished
        mov dword [${at}], 31h
        mov dword [${at} + 4], 1
        vmresume
finished:`,
    }),
  );
  const exits = machine.events(0, Number.MAX_SAFE_INTEGER, ["exit"]);
  expect(exits.map((event) => event.kind === "exit" && event.reason)).toEqual([
    "VMCALL",
    "VMENTRY_FAILURE_GUEST_STATE",
  ]);
});
