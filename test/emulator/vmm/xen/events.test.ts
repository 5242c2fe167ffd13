import { describe, expect, test } from "vitest";
import { sharedLayouts, vcpuInfo } from "../../../../emulator/vmm/xen/abi.ts";
import { XenGuest } from "./guest.ts";

const ipi = { vcpu: "u32", port: "u32" } as const;
const port = { port: "u32" } as const;

/** A guest with two ports on which it sends to itself, unmasked, and the shared page mapped. */
class Listener extends XenGuest {
  readonly page = this.mapShared();

  constructor(bits: 32 | 64) {
    super(bits);
    for (const number of [1, 2]) {
      expect(this.operate(7, ipi, {})).toBe(0n);
      expect(this.operate(9, port, { port: number })).toBe(0n);
    }
  }

  operate(command: number, fields: typeof ipi | typeof port, values: { port?: number }): bigint {
    return this.call(32, command, this.put(fields, values)).result;
  }

  send(number: number): void {
    expect(this.operate(4, port, { port: number })).toBe(0n);
  }

  clear(offset: number): void {
    this.write(this.page + offset, Uint8Array.of(0));
  }

  get upcall(): number {
    return Number(this.read(this.page + vcpuInfo.upcallPending, 1));
  }

  get counts() {
    return this.machine.domains()[0]!.channels.map(({ events }) => events);
  }
}

describe.each([32, 64] as const)("events of a %i-bit guest", (bits) => {
  const { pending, pendingSelector } = sharedLayouts[bits];

  test("an event on a port that is pending is one with the first: no second upcall", () => {
    const guest = new Listener(bits);
    guest.send(1);
    expect(guest.upcall).toBe(1);
    guest.clear(vcpuInfo.upcallPending);
    guest.clear(pendingSelector);
    guest.send(1);
    expect([guest.upcall, guest.read(guest.page + pendingSelector, 1)]).toEqual([0, 0n]);
    guest.clear(pending);
    guest.send(1);
    expect([guest.upcall, guest.read(guest.page + pendingSelector, 1)]).toEqual([1, 1n]);
    expect(guest.counts).toEqual([
      { sent: 3, raised: 3, merged: 1 },
      { sent: 0, raised: 0, merged: 0 },
    ]);
  });

  test("another port of a word that the guest has yet to look through makes no second upcall", () => {
    const guest = new Listener(bits);
    guest.send(1);
    guest.clear(vcpuInfo.upcallPending);
    guest.send(2);
    expect([guest.upcall, guest.read(guest.page + pending, 1)]).toEqual([0, 6n]);
  });

  test("counts are part of the state, and begin again with the port", () => {
    const guest = new Listener(bits);
    const back = guest.keep();
    guest.send(1);
    back();
    expect(guest.counts[0]).toEqual({ sent: 0, raised: 0, merged: 0 });
    guest.send(1);
    guest.operate(3, port, { port: 1 });
    guest.operate(7, ipi, {});
    expect(guest.counts[0]).toEqual({ sent: 0, raised: 0, merged: 0 });
  });
});
