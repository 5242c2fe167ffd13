import { type AnsweredHypercall, isAnswered, kvmHypercalls } from "../../../isa/hypercalls.ts";
import type { EventBody } from "../../trace/event.ts";
import { yieldProcessor } from "../yielding.ts";
import type { FeatureName } from "./features.ts";
import type { KvmGuest } from "./guest.ts";

/**
 * KVM's hypercalls: VMCALL or VMMCALL with the number in rAX, arguments in rBX, rCX, rDX, rSI, result in rAX; 32 bits outside
 * 64-bit code (Linux, Documentation/virt/kvm/x86/hypercalls.rst). Only CPL 0 may call.
 */
const errors = { EPERM: -1n, EFAULT: -14n, EINVAL: -22n, EOPNOTSUPP: -95n, ENOSYS: -1000n } as const;
type ErrorName = keyof typeof errors;

interface Refused {
  readonly error: ErrorName;
  readonly why: string;
}
const refused = (error: ErrorName, why: string): Refused => ({ error, why });

/** A hypercall's arguments, truncated to the width of the call. */
interface Call {
  readonly guest: KvmGuest;
  readonly values: readonly bigint[];
  readonly bits: 32 | 64;
}

/** The host looks for interrupts at every exit anyway. */
const nothing = (): bigint => 0n;

/** Wakes a virtual CPU from HLT, whether it takes interrupts or not, and lets it go ahead. Nobody has an unknown APIC ID. */
function kick({ guest, values: [, apicId = 0n] }: Call): bigint {
  const target = guest.siblings[Number(apicId)];
  if (!target) return 0n;
  target.kicked = true;
  guest.context.vcpus.wake(target.vcpu);
  return yieldTo(guest, target.vcpu);
}

/** To a virtual CPU that is preempted; for others there is nothing to give. */
function yieldTo({ context, vcpu }: KvmGuest, to: number): bigint {
  if (to !== vcpu && context.vcpus.state(to) === "runnable")
    yieldProcessor(context, `waits for vCPU ${to}, which is preempted`, to);
  return 0n;
}

const schedYield = ({ guest, values: [apicId = 0n] }: Call): bigint =>
  Number(apicId) < guest.siblings.length ? yieldTo(guest, Number(apicId)) : 0n;

/** struct kvm_clock_pairing: the time of day, and the guest's time-stamp counter at the same moment. */
function pairClocks({ guest, values: [address = 0n, type = 0n] }: Call): bigint | Refused {
  if (type !== 0n) return refused("EOPNOTSUPP", `there is no clock of type ${type}; 0 is the time of day`);
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  const second = 1_000_000_000n;
  view.setBigInt64(0, BigInt(guest.context.startSeconds) + guest.now / second, true);
  view.setBigInt64(8, guest.now % second, true);
  view.setBigUint64(16, guest.ticks, true);
  return guest.write(Number(address), bytes) ? 0n : refused("EFAULT", "the address is outside the guest's memory");
}

/** Bits of the interrupt command that a sender of many has no say in: destination mode and shorthand. */
const commandReserved = 0xc_0800n;

/** To the processors whose APIC IDs a bitmap of twice the width has from a lowest one on. Gives how many there are. */
function sendInterrupts({
  guest,
  values: [low = 0n, high = 0n, lowest = 0n, command = 0n],
  bits,
}: Call): bigint | Refused {
  if ((command & commandReserved) !== 0n)
    return refused("EINVAL", "the command names a destination by itself (bits 11, 18 and 19)");
  const bitmap = low | (high << BigInt(bits));
  let sent = 0n;
  for (let n = 0; bitmap >> BigInt(n) !== 0n; n++)
    if (
      ((bitmap >> BigInt(n)) & 1n) !== 0n &&
      guest.context.interruptProcessor(Number(lowest) + n, Number(command & 0x7ffn))
    )
      sent++;
  return sent;
}

type Handler = (call: Call) => bigint | Refused;

const handlers: Readonly<Record<AnsweredHypercall, Handler>> = {
  VAPIC_POLL_IRQ: nothing,
  KICK_CPU: kick,
  CLOCK_PAIRING: pairClocks,
  SEND_IPI: sendInterrupts,
  SCHED_YIELD: schedYield,
};

/** The features that calls belong to: a guest that is not shown the feature has not got the call. */
const featureOf: Readonly<Partial<Record<AnsweredHypercall, FeatureName>>> = {
  KICK_CPU: "PV_UNHALT",
  SEND_IPI: "PV_SEND_IPI",
  SCHED_YIELD: "PV_SCHED_YIELD",
};

function handlerOf(guest: KvmGuest, name: string): Handler | undefined {
  if (!isAnswered(name)) return undefined;
  const feature = featureOf[name];
  return feature === undefined || guest.has(feature) ? handlers[name] : undefined;
}

const byNumber = new Map(kvmHypercalls.map((row) => [BigInt(row.number), row]));

export interface HypercallOutcome {
  /** Signed; to be truncated to the width of the call. */
  readonly result: bigint;
  readonly event: EventBody & { kind: "hypercall" };
}

/** Makes a hypercall. `registers` are rBX, rCX, rDX, rSI, truncated to the width of the call. */
export function kvmHypercall(
  guest: KvmGuest,
  number: bigint,
  registers: readonly bigint[],
  { cpl, bits }: { readonly cpl: number; readonly bits: 32 | 64 },
): HypercallOutcome {
  const row = byNumber.get(number);
  const handler = row && handlerOf(guest, row.name);
  const outcome =
    cpl > 0
      ? refused("EPERM", `CPL ${cpl} may not call the hypervisor`)
      : (handler?.({ guest, values: registers, bits }) ??
        refused("ENOSYS", `there is no ${row?.name ?? `hypercall ${number}`}`));
  const result = typeof outcome === "bigint" ? outcome : errors[outcome.error];
  return {
    result,
    event: {
      kind: "hypercall",
      number: number.toString(),
      name: row?.name ?? "unknown",
      arguments: (row?.arguments ?? []).map((name, n) => `${name} = ${registers[n]!.toString(16).toUpperCase()}h`),
      result: typeof outcome === "bigint" ? `${outcome}` : `${result} (${outcome.error}): ${outcome.why}`,
    },
  };
}
