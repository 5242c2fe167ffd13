import { cyclesPerSecond } from "../time/costs.ts";

const nanosecondsPerSecond = 1_000_000_000n;
const frequency = BigInt(cyclesPerSecond);

/** Virtual time in whole nanoseconds. */
export const nanosecondsOf = (cycles: number): bigint =>
  (BigInt(Math.floor(cycles)) * nanosecondsPerSecond) / frequency;

/** The first cycle at which `nanosecondsOf` reaches a time. */
export const cycleOf = (nanoseconds: bigint): number =>
  Number((nanoseconds * frequency + nanosecondsPerSecond - 1n) / nanosecondsPerSecond);

/**
 * How a guest makes nanoseconds of ticks of its time-stamp counter:
 * ((ticks << shift) * multiplier) >> 32, with the multiplier in 32 bits and the shift as small as it can be.
 */
export const tickScale = (() => {
  let shift = 0;
  const scaled = (): bigint => ((nanosecondsPerSecond << 32n) / frequency) >> BigInt(shift);
  while (scaled() >> 32n !== 0n) shift++;
  return { shift, multiplier: Number(scaled()) } as const;
})();

export const timeInfoBytes = 32;

/** pvclock_vcpu_time_info, which Xen and KVM share: the time at one tick of the counter, and the scale. An odd version means "being written". */
export function timeInfo({
  version,
  ticks,
  nanoseconds,
  flags = 0,
}: {
  readonly version: number;
  readonly ticks: bigint;
  readonly nanoseconds: bigint;
  readonly flags?: number;
}): Uint8Array {
  const bytes = new Uint8Array(timeInfoBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, version, true);
  view.setBigUint64(8, ticks, true);
  view.setBigUint64(16, nanoseconds, true);
  view.setUint32(24, tickScale.multiplier, true);
  view.setInt8(28, tickScale.shift);
  view.setUint8(29, flags);
  return bytes;
}
