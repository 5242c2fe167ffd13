import { generalProtection } from "../../cpu/fault.ts";
import { timeInfo } from "../paravirtual-clock.ts";
import type { FeatureName } from "./features.ts";
import type { KvmGuest } from "./guest.ts";
import { beginStealTime, nextVersion, stealTimeMsr } from "./steal-time.ts";

/** One of KVM's registers. `write` raises #GP for bits that must be 0, and says what was done beyond keeping the value. */
interface KvmMsr {
  readonly numbers: readonly number[];
  /** Without this feature there is no such register. */
  readonly feature: FeatureName;
  /** There is one for all virtual CPUs. */
  readonly common?: true;
  readonly name: string;
  readonly doc: string;
  readonly initial?: bigint;
  readonly write: (guest: KvmGuest, value: bigint) => string;
}

const enabled = 1n;
const numbers = {
  wallClock: [0x4b56_4d00, 0x11],
  systemTime: [0x4b56_4d01, 0x12],
  stealTime: [stealTimeMsr],
  pollControl: [0x4b56_4d05],
} as const;

const beyond = "the address is outside the guest's memory: nothing is written";

/** When the guest was started, in seconds since 1970: struct pvclock_wall_clock. */
function writeWallClock(guest: KvmGuest, value: bigint): string {
  const at = Number(value);
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, nextVersion(guest, at), true);
  view.setUint32(4, guest.context.startSeconds, true);
  return guest.write(at, bytes) ? "wrote the time at which the guest was started" : beyond;
}

const stableBit = 1;

function writeSystemTime(guest: KvmGuest, value: bigint): string {
  if ((value & enabled) === 0n) return "the clock is off";
  const at = Number(value & ~enabled);
  const version = nextVersion(guest, at);
  const info = timeInfo({ version, ticks: guest.ticks, nanoseconds: guest.now, flags: stableBit });
  return guest.write(at, info) ? "wrote the clock: time, counter and scale" : beyond;
}

function writeStealTime(guest: KvmGuest, value: bigint): string {
  const reserved = 0x3en;
  if ((value & reserved) !== 0n) generalProtection();
  if ((value & enabled) === 0n) return "steal time is off";
  const at = Number(value & ~enabled);
  const stolen = beginStealTime(guest, at);
  if (stolen === undefined) return beyond;
  return `wrote the time stolen from the guest: ${stolen === 0n ? "none" : `${stolen} ns`}`;
}

function writePollControl(_: KvmGuest, value: bigint): string {
  if ((value & ~enabled) !== 0n) generalProtection();
  return value === 0n ? "the host does not poll when the guest halts" : "the host may poll when the guest halts";
}

/** MSR_KVM_* (Linux, Documentation/virt/kvm/x86/msr.rst): those of the features that CPUID shows. */
export const kvmMsrs: readonly KvmMsr[] = [
  {
    numbers: numbers.wallClock,
    feature: "CLOCKSOURCE",
    common: true,
    name: "MSR_KVM_WALL_CLOCK_NEW",
    doc: "Where to write, now, at what time of day the guest was started.",
    write: writeWallClock,
  },
  {
    numbers: numbers.systemTime,
    feature: "CLOCKSOURCE",
    name: "MSR_KVM_SYSTEM_TIME_NEW",
    doc: "Where the clock is kept (bit 0: on): nanoseconds at a value of the time-stamp counter, and how to go on from there.",
    write: writeSystemTime,
  },
  {
    numbers: numbers.stealTime,
    feature: "STEAL_TIME",
    name: "MSR_KVM_STEAL_TIME",
    doc: "Where it is kept how long the vCPU was ready and did not run (bit 0: on).",
    write: writeStealTime,
  },
  {
    numbers: numbers.pollControl,
    feature: "POLL_CONTROL",
    name: "MSR_KVM_POLL_CONTROL",
    doc: "Bit 0: the host may poll for a while when the guest halts. Kept; nothing polls here.",
    initial: 1n,
    write: writePollControl,
  },
];

const byNumber = new Map(kvmMsrs.flatMap((msr) => msr.numbers.map((number) => [number, msr] as const)));

const find = (guest: KvmGuest, number: number): KvmMsr | undefined => {
  const msr = byNumber.get(number);
  return msr && guest.has(msr.feature) ? msr : undefined;
};

/** RDMSR of one of KVM's registers; undefined for others. The old numbers of the clock's are the same registers. */
export function readKvmMsr(guest: KvmGuest, number: number): bigint | undefined {
  const msr = find(guest, number);
  return msr && guest.value(msr.numbers[0]!, msr.initial);
}

/** WRMSR of one of KVM's registers: what was done; undefined for others. */
export function writeKvmMsr(guest: KvmGuest, number: number, value: bigint): string | undefined {
  const msr = find(guest, number);
  if (!msr) return undefined;
  const said = msr.write(guest, value);
  for (const owner of msr.common ? guest.siblings : [guest]) owner.setValue(msr.numbers[0]!, value);
  return `${msr.name}: ${said}`;
}

/** The guest's time-stamp counter has been set: what the clock is made of is another now. */
export function renewClock(guest: KvmGuest): void {
  writeSystemTime(guest, guest.value(numbers.systemTime[0]));
}
