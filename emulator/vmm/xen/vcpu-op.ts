import { isRefused, refused, vcpuInfo } from "./abi.ts";
import type { Answer, Call, Operations } from "./call.ts";
import { operate } from "./memory-op.ts";
import { Structure } from "./structure.ts";

/** The shortest period that Xen accepts, in nanoseconds. */
const leastPeriod = 1_000_000n;

function vcpuInfoAt(call: Call): Answer {
  const { domain } = call;
  const request = Structure.read(domain, { mfn: "u64", offset: "u32", rsvd: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const offset = request.number("offset");
  const frame = request.number("mfn");
  if (offset > 4096 - 64) return refused("EINVAL", `64 bytes from offset ${offset} are more than the page`);
  if (domain.state.vcpuInfo !== domain.sharedInfo * 4096) return refused("EINVAL", "vcpu_info has been moved already");
  const invalid = domain.types.acquire(frame, "writable");
  if (invalid) return refused("EINVAL", invalid.why);
  const to = frame * 4096 + offset;
  for (let n = 0; n < 64; n++) domain.writeByte(to + n, domain.readByte(domain.state.vcpuInfo + n));
  domain.state.vcpuInfo = to;
  // Events may have come while nobody could look: the guest is told to look at all words.
  domain.writeBytes(to + domain.shared.pendingSelector, new Uint8Array(domain.shared.word).fill(0xff));
  domain.writeByte(to + vcpuInfo.upcallPending, 1);
  return 0;
}

function runState(call: Call): Answer {
  const { domain } = call;
  const fields = {
    state: "u32",
    entry: "u64",
    running: "u64",
    runnable: "u64",
    blocked: "u64",
    offline: "u64",
  } as const;
  const answer = Structure.read(domain, fields, call.address("arg"));
  if (isRefused(answer)) return answer;
  const { since, ran, blocked } = domain.state.runs;
  return (
    answer.write("state", 0) ??
    answer.write("entry", BigInt(since)) ??
    answer.write("running", BigInt(ran) + domain.now - BigInt(since)) ??
    answer.write("runnable", 0) ??
    answer.write("blocked", BigInt(blocked)) ??
    answer.write("offline", 0) ??
    0
  );
}

function setPeriodic(call: Call): Answer {
  const request = Structure.read(call.domain, { period: "u64" }, call.address("arg"));
  if (isRefused(request)) return request;
  const { period } = request.values;
  if (period < leastPeriod) return refused("EINVAL", `a period of ${period} ns is shorter than a millisecond`);
  call.say(`period = ${period} ns`);
  call.domain.state.periodic = { next: (call.domain.now + period).toString(), period: period.toString() };
  return 0;
}

function setSingleShot(call: Call): Answer {
  const { domain } = call;
  const request = Structure.read(domain, { timeout: "u64", flags: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const { timeout } = request.values;
  const onlyFuture = (request.number("flags") & 1) !== 0;
  if (onlyFuture && timeout < domain.now) return refused("EINVAL", `${timeout} ns is past: it is ${domain.now} ns`);
  call.say(`at ${timeout} ns`);
  domain.state.singleShot = timeout.toString();
  return 0;
}

export const vcpuOperations: Operations = {
  0: { name: "initialise", handler: () => refused("EEXIST", "the vCPU runs already: it is the one that asks") },
  1: { name: "up", handler: () => 0 },
  2: { name: "down" },
  3: { name: "is_up", handler: () => 1 },
  4: { name: "get_runstate_info", handler: runState },
  5: { name: "register_runstate_memory_area" },
  6: { name: "set_periodic_timer", handler: setPeriodic },
  7: {
    name: "stop_periodic_timer",
    handler({ domain }) {
      domain.state.periodic = null;
      return 0;
    },
  },
  8: { name: "set_singleshot_timer", handler: setSingleShot },
  9: {
    name: "stop_singleshot_timer",
    handler({ domain }) {
      domain.state.singleShot = null;
      return 0;
    },
  },
  10: { name: "register_vcpu_info", handler: vcpuInfoAt },
  11: { name: "send_nmi" },
  12: { name: "get_physid" },
  13: { name: "register_vcpu_time_memory_area" },
};

export function vcpuOp(call: Call): Answer {
  const vcpu = call.number("vcpuid");
  return vcpu === 0 ? operate(call, "vcpu_op", vcpuOperations) : refused("ENOENT", `there is no vCPU ${vcpu}`);
}
