import { nanosecondsOf } from "../paravirtual-clock.ts";
import type { KvmGuest } from "./guest.ts";

/** struct kvm_steal_time (Linux, arch/x86/include/uapi/asm/kvm_para.h): places in its 64 bytes, and flags in `preempted`. */
const at = { steal: 0, version: 8, preempted: 16, end: 64 } as const;
const flags = { preempted: 1, flushTlb: 2 } as const;

export const stealTimeMsr = 0x4b56_4d03;
const enabled = 1n;

/** Why the TLB of a virtual CPU was flushed that others found preempted. */
export const flushedForOther = "another virtual CPU asked for it while this one was preempted";

/** The next even version of a structure that the guest reads: an odd one would mean that it is being written. */
export function nextVersion(guest: KvmGuest, address: number): number {
  const old = guest.read32(address) ?? 0;
  return (((old + 1) | 1) + 1) >>> 0;
}

function place(guest: KvmGuest): number | undefined {
  const value = guest.value(stealTimeMsr);
  return (value & enabled) === 0n ? undefined : Number(value & ~enabled);
}

const dword = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);

/** The guest asks to be told of stolen time here: the whole structure is written. Undefined outside its memory, else the nanoseconds. */
export function beginStealTime(guest: KvmGuest, address: number): bigint | undefined {
  const stolen = guest.context.vcpus.stolen(guest.vcpu);
  const bytes = new Uint8Array(at.end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(at.steal, nanosecondsOf(stolen), true);
  view.setUint32(at.version, nextVersion(guest, address + at.version), true);
  if (!guest.write(address, bytes)) return undefined;
  guest.stolen = stolen;
  return nanosecondsOf(stolen);
}

/** The virtual CPU loses its physical CPU: whoever waits for it can see that. */
export function notePreemption(guest: KvmGuest): void {
  const address = place(guest);
  if (address !== undefined) guest.write(address + at.preempted, Uint8Array.of(flags.preempted));
}

/** The virtual CPU has a physical CPU again. True if others have asked meanwhile that it forgets its translations. */
export function noteReturn(guest: KvmGuest): boolean {
  const address = place(guest);
  if (address === undefined) return false;
  const asked = ((guest.read8(address + at.preempted) ?? 0) & flags.flushTlb) !== 0;
  guest.write(address + at.preempted, Uint8Array.of(0));
  addStolen(guest, address);
  return asked && guest.has("PV_TLB_FLUSH");
}

/** What has been stolen since the guest was last told is added to what it has there. */
function addStolen(guest: KvmGuest, address: number): void {
  const stolen = guest.context.vcpus.stolen(guest.vcpu);
  const low = guest.read32(address + at.steal);
  const high = guest.read32(address + at.steal + 4);
  if (stolen === guest.stolen || low === undefined || high === undefined) return;
  const known = (BigInt(high) << 32n) | BigInt(low);
  const now = BigInt.asUintN(64, known + nanosecondsOf(stolen) - nanosecondsOf(guest.stolen));
  guest.stolen = stolen;
  guest.write(address + at.steal, new Uint8Array(BigUint64Array.of(now).buffer));
  guest.write(address + at.version, dword(nextVersion(guest, address + at.version)));
}
