import { expect, test } from "vitest";
import { machineWith, outputOf } from "../machine/program.ts";
import { smp } from "../machine/smp-program.ts";
import { xenSmpGuests } from "./xen/smp-guests.ts";

/** All start, and each adds its number under the bus lock. */
const counted = smp(
  `
.wait:  pause
        cmp dword [count], 63
        jb .wait
        cmp dword [sum], 2016
        mov al, '='
        je .say
        mov al, '<'
.say:   out 0E9h, al`,
  "lock add [sum], ebx\n lock inc dword [count]",
);

test.each(["bare-metal", "vtx-ept", "vtx-shadow", "svm-npt", "svm-shadow"] as const)(
  "a guest has 64 processors: %s",
  (technique) => {
    const machine = machineWith(counted, { technique, processors: 64, memory: 16 });
    machine.run({ steps: 3_000_000 });
    expect(machine.stopped).toMatchObject({ reason: "halted" });
    expect(outputOf(machine)).toBe("=");
  },
);

test.each(xenSmpGuests.slice(0, 2))(
  "a paravirtual guest finds room for 32, with as much memory as it can have: $name",
  ({ text, output }) => {
    const machine = machineWith(text, { technique: "paravirtualization", processors: 32, memory: 256 });
    machine.run({ steps: 2_000_000 });
    expect(machine.stopped).toMatchObject({ reason: "shutdown" });
    expect(outputOf(machine)).toBe(output);
  },
);
