import { portIn, portOut } from "../../cpu/ports.ts";
import { yieldProcessor } from "../yielding.ts";
import { holes, isRefused, type Refused, refused } from "./abi.ts";
import { type Answer, type Call, type Hypercall, type Operation, type Operations, wide } from "./call.ts";
import {
  allocateUnbound,
  bindInterdomain,
  bindIpi,
  bindVcpu,
  bindVirq,
  closePort,
  sendEvent,
  statusOf,
  unmaskPort,
} from "./event-channels.ts";
import { assists, hasAssist } from "./memory-calls.ts";
import { operate } from "./memory-op.ts";
import { type Fields, Structure, unreadable, unwritable } from "./structure.ts";
import { waitIsOver } from "./timers.ts";

/** An operation whose request names a port (or gets one) and answers no more than that it was done. */
function portOperation<F extends Fields>(
  name: string,
  fields: F,
  act: (values: Record<keyof F, number>, call: Call) => number | Refused,
  gives?: keyof F,
): Operation {
  return {
    name,
    handler(call) {
      const request = Structure.read(call.domain, fields, call.address("arg"));
      if (isRefused(request)) return request;
      const names = Object.keys(fields) as (keyof F & string)[];
      const values = Object.fromEntries(names.map((field) => [field, request.number(field)])) as Record<
        keyof F,
        number
      >;
      call.say(
        names
          .filter((field) => field !== gives)
          .map((field) => `${field} = ${values[field]}`)
          .join(", "),
      );
      const outcome = act(values, call);
      if (isRefused(outcome)) return outcome;
      if (gives === undefined) return 0;
      call.say(`${String(gives)} → ${outcome}`);
      return request.write(gives, outcome) ?? 0;
    },
  };
}

function status(call: Call): Answer {
  const fields = { dom: "u16", port: "u32", status: "u32", vcpu: "u32", first: "u32", second: "u32" } as const;
  const request = Structure.read(call.domain, fields, call.address("arg"));
  if (isRefused(request)) return request;
  const found = statusOf(call.domain, request.number("port"));
  if (isRefused(found)) return found;
  call.say(`port = ${request.number("port")}, status → ${found.status}`);
  const [first = 0, second = 0] = found.words;
  return (
    request.write("status", found.status) ??
    request.write("vcpu", found.vcpu) ??
    request.write("first", first) ??
    request.write("second", second) ??
    0
  );
}

const eventOperations: Operations = {
  0: portOperation(
    "bind_interdomain",
    { remote_dom: "u16", remote_port: "u32", local_port: "u32" },
    (v, { domain }) => bindInterdomain(domain, v.remote_dom, v.remote_port),
    "local_port",
  ),
  1: portOperation(
    "bind_virq",
    { virq: "u32", vcpu: "u32", port: "u32" },
    (v, { domain }) => bindVirq(domain, v.virq, v.vcpu),
    "port",
  ),
  2: { name: "bind_pirq" },
  3: portOperation("close", { port: "u32" }, (v, { domain }) => closePort(domain, v.port)),
  4: portOperation("send", { port: "u32" }, (v, { domain }) => sendEvent(domain, v.port)),
  5: { name: "status", handler: status },
  6: portOperation(
    "alloc_unbound",
    { dom: "u16", remote_dom: "u16", port: "u32" },
    (v, { domain }) => allocateUnbound(domain, v.dom, v.remote_dom),
    "port",
  ),
  7: portOperation("bind_ipi", { vcpu: "u32", port: "u32" }, (v, { domain }) => bindIpi(domain, v.vcpu), "port"),
  8: portOperation("bind_vcpu", { port: "u32", vcpu: "u32" }, (v, { domain }) => bindVcpu(domain, v.port, v.vcpu)),
  9: portOperation("unmask", { port: "u32" }, (v, { domain }) => unmaskPort(domain, v.port)),
  10: { name: "reset" },
  11: { name: "init_control" },
  12: { name: "expand_array" },
  13: { name: "set_priority" },
};

const shutdownReasons = ["poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"] as const;

function shutDown(call: Call): Answer {
  const request = Structure.read(call.domain, { reason: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const reason = shutdownReasons[request.number("reason")];
  if (!reason) return refused("EINVAL", `there is no reason ${request.number("reason")} to shut down`);
  call.say(`reason = ${reason}`);
  return {
    ends: reason === "reboot" ? "reset" : "shutdown",
    text: `The guest shut its domain down: ${reason} (sched_op).`,
  };
}

function block({ domain }: Call): Answer {
  domain.upcallMasked = false;
  domain.state.waits = { kind: "block" };
  if (waitIsOver(domain)) domain.state.waits = null;
  return 0;
}

const mostPorts = 128;

function poll(call: Call): Answer {
  const { domain } = call;
  const request = Structure.read(domain, { ports: "word", nr_ports: "u32", timeout: "u64" }, call.address("arg"));
  if (isRefused(request)) return request;
  const count = request.number("nr_ports");
  if (count > mostPorts) return refused("EINVAL", `poll takes at most ${mostPorts} ports`);
  const ports: number[] = [];
  const list = Number(BigInt.asIntN(64, request.values.ports));
  for (let n = 0; n < count; n++) {
    const view = domain.access.read(list + 4 * n, 4);
    if (!view) return unreadable(list + 4 * n);
    const port = view.getUint32(0, true);
    if (port >= domain.shared.ports) return refused("EINVAL", `there is no port ${port}`);
    ports.push(port);
  }
  const { timeout } = request.values;
  call.say(`ports ${ports.join(", ") || "none"}${timeout === 0n ? "" : `, until ${timeout} ns`}`);
  domain.state.waits = { kind: "poll", ports, timeout: timeout === 0n ? null : timeout.toString() };
  if (waitIsOver(domain)) domain.state.waits = null;
  return 0;
}

const schedulerOperations: Operations = {
  0: {
    name: "yield",
    handler({ domain }) {
      yieldProcessor(domain.context, "yields");
      return 0;
    },
  },
  1: { name: "block", handler: block },
  2: { name: "shutdown", handler: shutDown },
  3: { name: "poll", handler: poll },
  4: { name: "remote_shutdown" },
  5: { name: "shutdown_code" },
  6: { name: "watchdog" },
  7: { name: "pin_override" },
};

function setTimer({ domain, arg, say }: Call): Answer {
  const timeout = arg("timeout");
  say(timeout === 0n ? "stops the timer" : `at ${timeout} ns; it is ${domain.now} ns`);
  domain.state.singleShot = timeout === 0n ? null : timeout.toString();
  return 0;
}

/** Xen's console is the first serial port, which is its own. */
const serial = { data: 0x3f8, lineStatus: 0x3fd, dataReady: 1 } as const;

/** Bytes that are copied from the guest at a time. */
const consoleChunk = 128;
/** Bytes that are written at one entry into Xen. */
const consoleAtOnce = 32 * consoleChunk;

function consoleWrite(call: Call): Answer {
  const { domain } = call;
  const count = call.number("count");
  for (let done = 0; done < count; done += consoleChunk) {
    if (done === consoleAtOnce)
      return { again: [call.arg("cmd"), BigInt(count - done), call.arg("buffer") + BigInt(done)] };
    const at = call.address("buffer") + done;
    const bytes = domain.access.read(at, Math.min(consoleChunk, count - done));
    if (!bytes) return unreadable(at);
    for (let n = 0; n < bytes.byteLength; n++) portOut(domain.cpu, serial.data, 1, bytes.getUint8(n));
  }
  return 0;
}

function consoleRead(call: Call): Answer {
  const { domain } = call;
  const at = call.address("buffer");
  let count = 0;
  for (; count < call.number("count"); count++) {
    if ((portIn(domain.cpu, serial.lineStatus, 1) & serial.dataReady) === 0) break;
    if (domain.access.place(at + count, "write") === undefined) return unwritable(at + count);
    domain.access.write(at + count, Uint8Array.of(portIn(domain.cpu, serial.data, 1)));
  }
  return count;
}

const consoleOperations: Operations = {
  0: { name: "write", handler: consoleWrite },
  1: { name: "read", handler: consoleRead },
};

/** Version of Xen whose interface this is: major in the upper half. */
const version = (4 << 16) | 17;

function giveText(call: Call, text: string, size: number): Answer {
  const bytes = Uint8Array.from({ length: size }, (_, n) => (n < text.length ? text.charCodeAt(n) : 0));
  return call.domain.access.write(call.address("arg"), bytes) ? 0 : unwritable(call.address("arg"));
}

function features(call: Call): Answer {
  const request = Structure.read(call.domain, { submap_idx: "u32", submap: "u32" }, call.address("arg"));
  if (isRefused(request)) return request;
  const preserveAccessedDirty = 1 << 5;
  const initialDomain = 1 << 11;
  const extendedCr3 = hasAssist(call.domain, assists.extendedCr3) ? 1 << 4 : 0;
  const first = request.number("submap_idx") === 0;
  return request.write("submap", first ? preserveAccessedDirty | initialDomain | extendedCr3 : 0) ?? 0;
}

function parameters(call: Call): Answer {
  const request = Structure.read(call.domain, { virt_start: "word" }, call.address("arg"));
  return isRefused(request) ? request : (request.write("virt_start", holes[call.domain.bits].start) ?? 0);
}

const versionOperations: Operations = {
  0: { name: "version", handler: () => version },
  1: { name: "extraversion", handler: (call) => giveText(call, ".0-ringside", 16) },
  2: { name: "compile_info" },
  3: {
    name: "capabilities",
    handler: (call) => giveText(call, call.domain.bits === 64 ? "xen-3.0-x86_64 " : "xen-3.0-x86_32p ", 1024),
  },
  4: { name: "changeset" },
  5: { name: "platform_parameters", handler: parameters },
  6: { name: "get_features", handler: features },
  7: { name: "pagesize", handler: () => 4096 },
  8: { name: "guest_handle" },
  9: { name: "commandline" },
};

/** Operations of this file's hypercalls, for the documentation. */
export const eventCallOperations = {
  event_channel_op: eventOperations,
  sched_op: schedulerOperations,
  console_io: consoleOperations,
  xen_version: versionOperations,
} as const;

export const eventCalls: readonly Hypercall[] = [
  {
    number: 15,
    name: "set_timer_op",
    arguments: [wide("timeout")],
    doc: "Sets the one-shot timer to an absolute system time in nanoseconds; 0 stops it.",
    handler: setTimer,
  },
  {
    number: 17,
    name: "xen_version",
    arguments: ["cmd", "arg"],
    doc: "Which Xen this is and what it can do.",
    handler: (call) => operate(call, "xen_version", versionOperations),
  },
  {
    number: 18,
    name: "console_io",
    arguments: ["cmd", "count", "buffer"],
    doc: "Writes to Xen's console, the first serial port, 4 KiB at a time, and reads from it.",
    handler: (call) => operate(call, "console_io", consoleOperations),
  },
  {
    number: 29,
    name: "sched_op",
    arguments: ["cmd", "arg"],
    doc: "Yields, waits for events, shuts down.",
    handler: (call) => operate(call, "sched_op", schedulerOperations),
  },
  {
    number: 32,
    name: "event_channel_op",
    arguments: ["cmd", "arg"],
    doc: "Event channels: ports to virtual interrupts, to other vCPUs, to other domains.",
    handler: (call) => operate(call, "event_channel_op", eventOperations),
  },
];
