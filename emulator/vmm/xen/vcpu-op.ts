import { signedNumber } from "../../cpu/state.ts";
import { isRefused, type Refused, refused, vcpuInfo } from "./abi.ts";
import type { Answer, Call, Operation, Operations } from "./call.ts";
import { noVcpu } from "./event-channels.ts";
import { operate } from "./memory-op.ts";
import { writeRunState } from "./runstate.ts";
import { Structure } from "./structure.ts";
import { initialise } from "./vcpu-start.ts";

/** The shortest period that Xen accepts, in nanoseconds. */
const leastPeriod = 1_000_000n;

function vcpuInfoAt(call: Call, vcpu: number): Answer {
  const { domain } = call;
  const request = Structure.read(domain, { mfn: "u64", offset: "u32", rsvd: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const offset = request.number("offset");
  const frame = request.number("mfn");
  if (offset > 4096 - 64) return refused("EINVAL", `64 bytes from offset ${offset} are more than the page`);
  const state = domain.stateOf(vcpu);
  if (vcpu !== domain.context.vcpus.current && !state.isDown)
    return refused("EINVAL", `vCPU ${vcpu} runs, and is not the one that asks`);
  if (Math.floor(state.vcpuInfo / 4096) !== domain.sharedInfo)
    return refused("EINVAL", "vcpu_info has been moved already");
  const invalid = domain.types.acquire(frame, "writable");
  if (invalid) return refused("EINVAL", invalid.why);
  const to = frame * 4096 + offset;
  for (let n = 0; n < 64; n++) domain.writeByte(to + n, domain.readByte(state.vcpuInfo + n));
  state.vcpuInfo = to;
  // Events may have come while nobody could look: the guest is told to look at all words.
  domain.writeBytes(to + domain.shared.pendingSelector, new Uint8Array(domain.shared.word).fill(0xff));
  domain.writeByte(to + vcpuInfo.upcallPending, 1);
  return 0;
}

const runState = (call: Call, vcpu: number): Answer => writeRunState(call.domain, vcpu, call.address("arg")) ?? 0;

/** From now on the times of a virtual CPU are kept in its own memory, where it is told of them whenever it goes on. */
function runStateArea(call: Call, vcpu: number): Answer {
  const { domain } = call;
  const request = Structure.read(domain, { address: "word" }, call.address("arg"));
  if (isRefused(request)) return request;
  const address = domain.bits === 64 ? signedNumber(request.values.address) : request.number("address");
  domain.stateOf(vcpu).runsAt = address === 0 ? null : address;
  return address === 0 ? 0 : (writeRunState(domain, vcpu, address) ?? 0);
}

function up({ domain }: Call, vcpu: number): Answer {
  const state = domain.stateOf(vcpu);
  if (!state.isInitialised) return refused("EINVAL", `vCPU ${vcpu} has no state to begin with (initialise)`);
  state.isDown = false;
  domain.context.vcpus.wake(vcpu);
  return 0;
}

function down({ domain }: Call, vcpu: number): Answer {
  const states = Array.from({ length: domain.vcpus }, (_, n) => domain.stateOf(n));
  if (states.every(({ isDown }, n) => isDown || n === vcpu))
    return { ends: "shutdown", text: "The guest took its last virtual CPU down (vcpu_op): that is to power off." };
  const state = states[vcpu]!;
  if (state.isDown) return 0;
  state.isDown = true;
  if (vcpu === domain.context.vcpus.current) state.waits = { kind: "up" };
  else {
    state.kicked = true;
    domain.context.vcpus.wake(vcpu);
  }
  return 0;
}

function setPeriodic(call: Call, vcpu: number): Answer {
  const request = Structure.read(call.domain, { period: "u64" }, call.address("arg"));
  if (isRefused(request)) return request;
  const { period } = request.values;
  if (period < leastPeriod) return refused("EINVAL", `a period of ${period} ns is shorter than a millisecond`);
  call.say(`period = ${period} ns`);
  call.domain.stateOf(vcpu).periodic = { next: (call.domain.now + period).toString(), period: period.toString() };
  return 0;
}

function setSingleShot(call: Call, vcpu: number): Answer {
  const { domain } = call;
  if (vcpu !== domain.context.vcpus.current) return notAsking(vcpu);
  const request = Structure.read(domain, { timeout: "u64", flags: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const { timeout } = request.values;
  const onlyFuture = (request.number("flags") & 1) !== 0;
  if (onlyFuture && timeout < domain.now) return refused("EINVAL", `${timeout} ns is past: it is ${domain.now} ns`);
  call.say(`at ${timeout} ns`);
  domain.state.singleShot = timeout.toString();
  return 0;
}

/** It is passed to the handler of nmi_op when the virtual CPU next comes to Xen, and ends a wait. */
function sendNmi({ domain }: Call, vcpu: number): Answer {
  domain.stateOf(vcpu).nmiDue = true;
  domain.context.vcpus.wake(vcpu);
  return 0;
}

const notAsking = (vcpu: number): Refused => refused("EINVAL", `vCPU ${vcpu} is not the one that asks`);

type VcpuHandler = (call: Call, vcpu: number) => Answer;
const own = (name: string, act?: VcpuHandler): Operation =>
  act ? { name, handler: (call) => act(call, call.number("vcpuid")) } : { name };

export const vcpuOperations: Operations = {
  0: own("initialise", initialise),
  1: own("up", up),
  2: own("down", down),
  3: own("is_up", ({ domain }, vcpu) => (domain.stateOf(vcpu).isDown ? 0 : 1)),
  4: own("get_runstate_info", runState),
  5: own("register_runstate_memory_area", runStateArea),
  6: own("set_periodic_timer", setPeriodic),
  7: own("stop_periodic_timer", ({ domain }, vcpu) => {
    domain.stateOf(vcpu).periodic = null;
    return 0;
  }),
  8: own("set_singleshot_timer", setSingleShot),
  9: own("stop_singleshot_timer", ({ domain }, vcpu) => {
    if (vcpu !== domain.context.vcpus.current) return notAsking(vcpu);
    domain.state.singleShot = null;
    return 0;
  }),
  10: own("register_vcpu_info", vcpuInfoAt),
  11: own("send_nmi", sendNmi),
  12: own("get_physid"),
  13: own("register_vcpu_time_memory_area"),
};

export function vcpuOp(call: Call): Answer {
  const vcpu = call.number("vcpuid");
  return vcpu < call.domain.vcpus ? operate(call, "vcpu_op", vcpuOperations) : noVcpu(vcpu);
}
