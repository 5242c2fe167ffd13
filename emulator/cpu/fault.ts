import type { Unsupported } from "./environment.ts";
import type { Fault, VmExit } from "./monitor.ts";

/** Exception vectors by mnemonic (SDM Vol. 3, table 6-1). */
export const vector = {
  DE: 0,
  DB: 1,
  NMI: 2,
  BP: 3,
  OF: 4,
  BR: 5,
  UD: 6,
  NM: 7,
  DF: 8,
  TS: 10,
  NP: 11,
  SS: 12,
  GP: 13,
  PF: 14,
  MF: 16,
  AC: 17,
  XM: 19,
  VE: 20,
} as const;

const names = new Map<number, string>(Object.entries(vector).map(([name, number]) => [number, name]));

/** "#GP" for 13; interrupts without a name of their own are "#20h". */
export const vectorName = (number: number): string =>
  `#${names.get(number) ?? `${number.toString(16).toUpperCase()}h`}`;

const withErrorCode = new Set<number>([8, 10, 11, 12, 13, 14, 17]);

/** Whether the processor pushes an error code for this exception outside real-address mode. */
export const pushesErrorCode = (number: number): boolean => withErrorCode.has(number);

export const hardwareFault = (number: number, errorCode?: number): Fault => ({
  kind: "fault",
  vector: number,
  errorCode,
  source: "hardware",
  length: 0,
});

/** The instruction raises an exception. @throws Fault always */
export const refuse = (number: number, errorCode?: number): never => {
  throw hardwareFault(number, errorCode);
};

/** #GP(0). @throws Fault always */
export const generalProtection = (): never => refuse(vector.GP, 0);

export const pageFaultAt = (linear: number, errorCode: number): Fault => ({
  ...hardwareFault(vector.PF, errorCode),
  address: BigInt.asUintN(64, BigInt(linear)),
});

const hasKind = (thrown: unknown): thrown is { kind: unknown } =>
  typeof thrown === "object" && thrown !== null && "kind" in thrown;

export const isFault = (thrown: unknown): thrown is Fault => hasKind(thrown) && thrown.kind === "fault";
export const isVmExit = (thrown: unknown): thrown is VmExit => hasKind(thrown) && thrown.kind === "exit";

export const unsupported = (what: string): Unsupported => ({ kind: "unsupported", what });
export const isUnsupported = (thrown: unknown): thrown is Unsupported =>
  hasKind(thrown) && thrown.kind === "unsupported";
