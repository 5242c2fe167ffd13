import type { Rtc } from "../devices/rtc.ts";
import { cyclesPerSecond } from "../time/costs.ts";
import type { Caller } from "./caller.ts";
import { readField, writeField } from "./data-area.ts";
import type { Functions, Service } from "./environment.ts";
import { rom } from "./rom-bytes.ts";

const ticksPerDay = 0x18_00b0;
const [second, minute, hour, day, month, year, century] = [0, 2, 4, 7, 8, 9, 0x32] as const;
const registerB = 0x0b;
const set = 0x80;
const [periodicInterrupt, alarmInterrupt] = [0x40, 0x20] as const;
const daylightSaving = 1;

const fromBcd = (value: number): number => (value >>> 4) * 10 + (value & 15);

/** Timer ticks since midnight of the clock. */
export function ticksNow(rtc: Rtc): number {
  const [s, m, h] = [second, minute, hour].map((register) => fromBcd(rtc.peek(register)));
  return Math.floor(((h! * 60 + m!) * 60 + s!) * (ticksPerDay / 86400));
}

/** Changes the clock while it is stopped. */
function adjust(rtc: Rtc, values: readonly (readonly [register: number, value: number])[]): void {
  rtc.poke(registerB, rtc.peek(registerB) | set);
  for (const [register, value] of values) rtc.poke(register, value);
  rtc.poke(registerB, rtc.peek(registerB) & ~set);
}

/** INT 1Ah by AH. */
const functions: Functions = {
  [0x00]: (caller) => {
    const ticks = readField(caller.memory, "ticks");
    caller.cx = ticks >>> 16;
    caller.dx = ticks & 0xffff;
    caller.al = readField(caller.memory, "midnight");
    writeField(caller.memory, "midnight", 0);
    caller.carry = false;
    return undefined;
  },
  [0x01]: (caller) => {
    writeField(caller.memory, "ticks", (caller.cx * 65536 + caller.dx) >>> 0);
    writeField(caller.memory, "midnight", 0);
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0x02]: (caller, { devices: { rtc } }) => {
    caller.cx = (rtc.peek(hour) << 8) | rtc.peek(minute);
    caller.dx = (rtc.peek(second) << 8) | (rtc.peek(registerB) & daylightSaving);
    caller.ah = 0;
    caller.al = caller.ch;
    caller.carry = false;
    return undefined;
  },
  [0x03]: (caller, { devices: { rtc } }) => {
    adjust(rtc, [
      [hour, caller.ch],
      [minute, caller.cl],
      [second, caller.dh],
    ]);
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0x04]: (caller, { devices: { rtc } }) => {
    caller.cx = (rtc.peek(century) << 8) | rtc.peek(year);
    caller.dx = (rtc.peek(month) << 8) | rtc.peek(day);
    caller.ah = 0;
    caller.al = caller.ch;
    caller.carry = false;
    return undefined;
  },
  [0x05]: (caller, { devices: { rtc } }) => {
    adjust(rtc, [
      [century, caller.ch],
      [year, caller.cl],
      [month, caller.dh],
      [day, caller.dl],
    ]);
    caller.ah = 0;
    caller.carry = false;
    return undefined;
  },
  [0x06]: (caller, environment) => {
    const { rtc } = environment.devices;
    const control = rtc.peek(registerB);
    caller.carry = (control & alarmInterrupt) !== 0;
    if (control & alarmInterrupt) return undefined;
    rtc.poke(5, caller.ch);
    rtc.poke(3, caller.cl);
    rtc.poke(1, caller.dh);
    rtc.poke(registerB, control | alarmInterrupt);
    unmaskClock(environment.devices);
    return undefined;
  },
  [0x07]: (caller, { devices: { rtc } }) => {
    rtc.poke(registerB, rtc.peek(registerB) & ~alarmInterrupt);
    caller.carry = false;
    return undefined;
  },
};

export const timeService: Service = (caller, environment) => {
  const act = functions[caller.ah];
  if (act) return act(caller, environment);
  caller.carry = true;
  return undefined;
};

/** Lets IRQ 8 through, and the line of the second controller. */
const unmaskClock = ({ pic }: { pic: { unmask(irq: number): void } }): void => {
  pic.unmask(8);
  pic.unmask(2);
};

/** IRQ 8: acknowledges the clock, and says to the ROM's routine whether the alarm rang. */
export const clockInterrupt: Service = (_caller, { devices: { rtc }, setRomByte }) => {
  const flags = rtc.acknowledge();
  const rings = (flags & rtc.peek(registerB) & alarmInterrupt) !== 0;
  setRomByte(rom.alarm, rings ? 1 : 0);
  return undefined;
};

/** When INT 15h, AH = 86h, is to return: kept by the guest's own memory, in the extended BIOS data area (8 bytes). */
const waitUntil = 0x9fc10;

/** INT 15h, AH = 86h: waits CX:DX microseconds, woken 1024 times a second by the clock. */
export const wait: Service = (caller, environment) => {
  const { memory } = caller;
  const { devices, clock } = environment;
  const { rtc } = devices;
  const high = memory.read(waitUntil + 4, 4);
  const until = high * 2 ** 32 + memory.read(waitUntil, 4);
  if (until === 0) {
    const microseconds = caller.cx * 65536 + caller.dx;
    const end = Math.ceil(clock() + (microseconds * cyclesPerSecond) / 1e6);
    storeWait(caller, end);
    rtc.poke(registerB, rtc.peek(registerB) | periodicInterrupt);
    rtc.acknowledge();
    unmaskClock(devices);
    return "again";
  }
  if (clock() < until) return "again";
  storeWait(caller, 0);
  rtc.poke(registerB, rtc.peek(registerB) & ~periodicInterrupt);
  caller.carry = false;
  return undefined;
};

function storeWait({ memory }: Caller, cycle: number): void {
  memory.write(waitUntil, 4, cycle % 2 ** 32);
  memory.write(waitUntil + 4, 4, Math.floor(cycle / 2 ** 32));
}
