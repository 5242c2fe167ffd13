import { domainSelf, isOwn, ownDomain, type Refused, refused, vcpuInfo, virq as virqs } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { bounce } from "./entry-frames.ts";
import type { Channel, ChannelKind, EventCounts } from "./state.ts";

export const virqNames: ReadonlyMap<number, string> = new Map<number, string>(
  Object.entries(virqs).map(([name, number]) => [number, name]),
);
const mostVirqs = 24;
/** Virtual interrupts that each virtual CPU has for itself: timer, debug, and those of profiling. */
const perVcpu: ReadonlySet<number> = new Set([virqs.timer, virqs.debug, 7, 13]);
const isGlobal = (virq: number): boolean => !perVcpu.has(virq);

export const noVcpu = (vcpu: number): Refused => refused("ENOENT", `there is no vCPU ${vcpu}`);

/** Two-level event channels: a bit per port in shared_info, a word of selectors, and one upcall for all. */

export const bitPlace = (domain: Domain, array: number, port: number): { at: number; bit: number } => ({
  at: domain.sharedInfo * 4096 + array + (port >> 3),
  bit: 1 << (port & 7),
});

function testBit(domain: Domain, array: number, port: number): boolean {
  const { at, bit } = bitPlace(domain, array, port);
  return (domain.readByte(at) & bit) !== 0;
}

function setBit(domain: Domain, array: number, port: number, value: boolean): void {
  const { at, bit } = bitPlace(domain, array, port);
  const byte = domain.readByte(at);
  domain.writeByte(at, value ? byte | bit : byte & ~bit);
}

export const isPending = (domain: Domain, port: number): boolean => testBit(domain, domain.shared.pending, port);
const isMasked = (domain: Domain, port: number): boolean => testBit(domain, domain.shared.mask, port);

/** Whether an event of a port that a virtual CPU is to hear of would end what it waits for: it is told, not one with an event before. */
export function wouldEndWait(domain: Domain, port: number, vcpu: number): boolean {
  if (isPending(domain, port)) return false;
  const { waits, vcpuInfo: info } = domain.stateOf(vcpu);
  if (waits?.kind === "poll" && waits.ports.includes(port)) return true;
  return !isMasked(domain, port) && domain.readByte(info + vcpuInfo.upcallMask) === 0;
}

const uncounted: EventCounts = { sent: 0, raised: 0, merged: 0 };

function count(domain: Domain, port: number, ...what: readonly (keyof EventCounts)[]): void {
  const channel = domain.common.channels[port];
  if (!channel) return;
  const events = { ...channel.events };
  for (const name of what) events[name]++;
  domain.common.channels[port] = { ...channel, events };
}

/**
 * Sets the pending bit; where the port is not masked, its word's bit in the selector, and the upcall flag. Who polls the port wakes. An
 * event that finds the port pending is one with the event before: nobody is told again (Xen 4.17, event_2l.c).
 */
export function raisePort(domain: Domain, port: number): void {
  const merged = isPending(domain, port);
  count(domain, port, "raised", ...(merged ? (["merged"] as const) : []));
  if (merged) return;
  setBit(domain, domain.shared.pending, port, true);
  if (!isMasked(domain, port)) markUpcall(domain, port);
  for (let vcpu = 0; vcpu < domain.vcpus; vcpu++) {
    const { waits } = domain.stateOf(vcpu);
    if (waits?.kind === "poll" && waits.ports.includes(port)) domain.context.vcpus.wake(vcpu);
  }
}

/** The virtual CPU that hears of a port's events: if it is another than the one in the core, it is made to come to Xen. */
function markUpcall(domain: Domain, port: number): void {
  const vcpu = domain.common.channels[port]?.vcpu ?? 0;
  const state = domain.stateOf(vcpu);
  const { vcpuInfo: info } = state;
  const word = Math.floor(port / (8 * domain.shared.word));
  const at = info + domain.shared.pendingSelector + (word >> 3);
  const selector = domain.readByte(at);
  // The guest has been told of this word, and has not looked yet.
  if ((selector & (1 << (word & 7))) !== 0) return;
  domain.writeByte(at, selector | (1 << (word & 7)));
  domain.writeByte(info + vcpuInfo.upcallPending, 1);
  if (vcpu === domain.context.vcpus.current) return;
  state.kicked = true;
  domain.context.vcpus.wake(vcpu);
}

/** The port to which a virtual interrupt of a virtual CPU is bound; undefined if it is to none. */
export function portOfVirq(domain: Domain, virq: number, vcpu: number): number | undefined {
  for (const [port, channel] of Object.entries(domain.common.channels))
    if (channel.kind === "virq" && channel.virq === virq && channel.vcpu === vcpu) return Number(port);
  return undefined;
}

/** An upcall is due: an event is pending, the guest lets upcalls through, and has said where to. */
export const upcallDue = (domain: Domain): boolean =>
  domain.upcallPending && !domain.upcallMasked && domain.state.callbacks.event !== undefined;

/** On the way back to the guest: calls its event handler if that is due. The rest of the sentence on what was done. */
export function offerUpcall(domain: Domain): string {
  if (!upcallDue(domain)) return "";
  const { event } = domain.state.callbacks;
  domain.context.record({ kind: "inject", vector: -1, name: "event-channel upcall" });
  return bounce(domain, { ...event!, masksEvents: true }) ? ", called the guest's event handler" : "";
}

// The hypercall's operations; each gives what it answers, or why not.

/** The lowest free port. Port 0 is never one. */
function freePort(domain: Domain): number | Refused {
  for (let port = 1; port < domain.shared.ports; port++) if (!domain.common.channels[port]) return port;
  return refused("ENOSPC", `all ${domain.shared.ports} ports are in use`);
}

function open(domain: Domain, kind: ChannelKind, vcpu: number): number | Refused {
  const port = freePort(domain);
  if (typeof port !== "number") return port;
  setBit(domain, domain.shared.pending, port, false);
  domain.common.channels[port] = { ...kind, vcpu, events: uncounted };
  return port;
}

/** The only domain there is, by its number or as "self". */
export const noDomain = (id: number): Refused =>
  refused("ESRCH", `there is no domain ${id}; this one is domain ${ownDomain}`);

export function allocateUnbound(domain: Domain, of: number, remote: number): number | Refused {
  if (!isOwn(of)) return noDomain(of);
  return open(domain, { kind: "unbound", remote: remote === domainSelf ? ownDomain : remote }, 0);
}

export function bindInterdomain(domain: Domain, remoteDomain: number, remotePort: number): number | Refused {
  if (!isOwn(remoteDomain)) return noDomain(remoteDomain);
  const remote = domain.common.channels[remotePort];
  if (remote?.kind !== "unbound") return refused("EINVAL", `port ${remotePort} is ${called(remote)}, not unbound`);
  if (remote.remote !== ownDomain)
    return refused("EINVAL", `port ${remotePort} was opened for domain ${remote.remote}, not for this one`);
  const port = open(domain, { kind: "interdomain", port: remotePort }, 0);
  if (typeof port !== "number") return port;
  domain.common.channels[remotePort] = { kind: "interdomain", port, vcpu: remote.vcpu, events: remote.events };
  // An event may have been sent before the other end was there.
  raisePort(domain, port);
  return port;
}

export function bindVirq(domain: Domain, virq: number, vcpu: number): number | Refused {
  if (virq >= mostVirqs) return refused("EINVAL", `there is no virtual interrupt ${virq}`);
  if (isGlobal(virq) && vcpu !== 0)
    return refused("EINVAL", `virtual interrupt ${virq} is one of the domain, which vCPU 0 hears of at first`);
  if (vcpu >= domain.vcpus) return noVcpu(vcpu);
  if (portOfVirq(domain, virq, vcpu) !== undefined)
    return refused(
      "EEXIST",
      `virtual interrupt ${virq} (${virqNames.get(virq) ?? "no name"}) is bound to a port already`,
    );
  return open(domain, { kind: "virq", virq }, vcpu);
}

export function bindIpi(domain: Domain, vcpu: number): number | Refused {
  return vcpu < domain.vcpus ? open(domain, { kind: "ipi" }, vcpu) : noVcpu(vcpu);
}

/** Another virtual CPU hears of a port's events from now on. */
export function bindVcpu(domain: Domain, port: number, vcpu: number): number | Refused {
  if (vcpu >= domain.vcpus) return noVcpu(vcpu);
  const channel = domain.common.channels[port];
  if (!channel) return refused("EINVAL", `port ${port} is not open`);
  if (channel.kind === "ipi" || (channel.kind === "virq" && !isGlobal(channel.virq)))
    return refused("EINVAL", `port ${port} is of a virtual CPU for good`);
  domain.common.channels[port] = { ...channel, vcpu };
  return 0;
}

/** The other end has been closed: this one waits for a new one. */
function unbind(domain: Domain, port: number): void {
  const { vcpu, events } = domain.common.channels[port]!;
  domain.common.channels[port] = { kind: "unbound", remote: ownDomain, vcpu, events };
}

export function closePort(domain: Domain, port: number): number | Refused {
  const channel = domain.common.channels[port];
  if (!channel) return refused("EINVAL", `port ${port} is not open`);
  if (channel.kind === "interdomain" && channel.port !== port) unbind(domain, channel.port);
  delete domain.common.channels[port];
  setBit(domain, domain.shared.pending, port, false);
  return 0;
}

export function sendEvent(domain: Domain, port: number): number | Refused {
  const channel = domain.common.channels[port];
  if (channel === undefined || channel.kind === "virq")
    return refused("EINVAL", `port ${port} is ${called(channel)}: nothing can be sent on it`);
  count(domain, port, "sent");
  // What is sent before the other end is bound is lost.
  if (channel.kind !== "unbound") raisePort(domain, channel.kind === "interdomain" ? channel.port : port);
  return 0;
}

const statusNumbers = { unbound: 1, interdomain: 2, virq: 4, ipi: 5 } as const;

/** Status number, and the word of details that goes with it (remote domain and port, or number of the virtual interrupt). */
export function statusOf(
  domain: Domain,
  port: number,
): { readonly status: number; readonly vcpu: number; readonly words: readonly number[] } | Refused {
  if (port < 0 || port >= domain.shared.ports) return refused("EINVAL", `there is no port ${port}`);
  const channel = domain.common.channels[port];
  if (!channel) return { status: 0, vcpu: 0, words: [] };
  const { vcpu } = channel;
  const status = statusNumbers[channel.kind];
  if (channel.kind === "unbound") return { status, vcpu, words: [channel.remote] };
  if (channel.kind === "interdomain") return { status, vcpu, words: [ownDomain, channel.port] };
  return { status, vcpu, words: channel.kind === "virq" ? [channel.virq] : [] };
}

export function unmaskPort(domain: Domain, port: number): number | Refused {
  if (!domain.common.channels[port]) return refused("EINVAL", `port ${port} is not open`);
  const wasMasked = isMasked(domain, port);
  setBit(domain, domain.shared.mask, port, false);
  if (wasMasked && isPending(domain, port)) markUpcall(domain, port);
  return 0;
}

const called = (channel: Channel | undefined): string => (channel ? `of the kind “${channel.kind}”` : "closed");
