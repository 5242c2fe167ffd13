import type { Fault } from "../../cpu/monitor.ts";

/** A fault as it is kept until the VMM handles it. Plain JSON. */
export type SavedFault = Omit<Fault, "kind" | "errorCode" | "address" | "debug"> & {
  readonly errorCode: number | null;
  /** Signed where it has 64 bits. */
  readonly address: number | null;
  readonly debug: number | null;
};

/** A linear address of a fault as the rest of the VMM takes it: signed where it has 64 bits. */
export const faultAddress = (address: bigint): number => Number(BigInt.asIntN(64, address));

export const savedFault = ({ vector, source, length, errorCode, address, debug }: Fault): SavedFault => ({
  vector,
  source,
  length,
  errorCode: errorCode ?? null,
  address: address === undefined ? null : faultAddress(address),
  debug: debug ?? null,
});

export const faultOf = ({ errorCode, address, debug, ...facts }: SavedFault): Fault => ({
  kind: "fault",
  ...facts,
  errorCode: errorCode ?? undefined,
  ...(address === null ? {} : { address: BigInt.asUintN(64, BigInt(address)) }),
  ...(debug === null ? {} : { debug }),
});
