import type { EventBody } from "../trace/event.ts";

/**
 * Ringside's hypercalls: VMCALL with KVM's numbers and registers (Linux, Documentation/virt/kvm/x86/hypercalls.rst).
 * Number in rAX, arguments in rBX, rCX, rDX, rSI, result in rAX; 32 bits outside 64-bit code. Only CPL 0 may call.
 */
const ENOSYS = -1000n;
const EPERM = -1n;

interface Hypercall {
  readonly name: string;
  readonly arguments: readonly string[];
  /** With one virtual processor there is nobody to kick or to yield to: they succeed and do nothing. */
  readonly result: bigint;
}

const hypercalls: Readonly<Record<number, Hypercall>> = {
  1: { name: "VAPIC_POLL_IRQ", arguments: [], result: 0n },
  5: { name: "KICK_CPU", arguments: ["flags", "apicid"], result: 0n },
  11: { name: "SCHED_YIELD", arguments: ["apicid"], result: 0n },
};

/** Names of KVM's hypercalls that Ringside answers with ENOSYS. */
const refused: Readonly<Record<number, string>> = {
  2: "MMU_OP",
  3: "FEATURES",
  9: "CLOCK_PAIRING",
  10: "SEND_IPI",
  12: "MAP_GPA_RANGE",
};

export interface HypercallOutcome {
  /** Signed; to be truncated to the width of the call. */
  readonly result: bigint;
  readonly event: EventBody & { kind: "hypercall" };
}

/** `registers` are RBX, RCX, RDX, RSI, already truncated to the width of the call. */
export function hypercall(number: bigint, registers: readonly bigint[], cpl: number): HypercallOutcome {
  const known = number < 0x1_0000n ? hypercalls[Number(number)] : undefined;
  const name = known?.name ?? (number < 0x1_0000n ? refused[Number(number)] : undefined) ?? "unknown";
  const result = cpl > 0 ? EPERM : (known?.result ?? ENOSYS);
  const meaning = result === EPERM ? " (EPERM)" : result === ENOSYS ? " (ENOSYS)" : "";
  return {
    result,
    event: {
      kind: "hypercall",
      number: number.toString(),
      name,
      arguments: (known?.arguments ?? []).map(
        (argument, n) => `${argument} = ${registers[n]!.toString(16).toUpperCase()}h`,
      ),
      result: `${result}${meaning}`,
    },
  };
}
