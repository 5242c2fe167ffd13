import { ownDomain, vcpuInfo } from "./abi.ts";
import type { Domain } from "./domain.ts";
import { bitPlace, virqNames } from "./event-channels.ts";
import { entriesPerFrame, entryFlags, type GrantEntry, grantEntry } from "./grant-entry.ts";
import { mapFlags } from "./grants.ts";
import type { Channel, EventCounts } from "./state.ts";

/** A paravirtual guest as Xen has it now: its event channels and its grants. Plain JSON. */
export interface DomainView {
  /** Name of the VM, and the number by which hypercalls name its domain. */
  readonly vm: string;
  readonly id: number;
  /** Ports that there can be, 0 not counted among those that are ever open. */
  readonly ports: number;
  readonly upcalls: readonly UpcallView[];
  readonly channels: readonly ChannelView[];
  /** Machine frames of the grant table, and entries in each. */
  readonly grantFrames: readonly number[];
  readonly entriesPerFrame: number;
  readonly grants: readonly GrantView[];
}

/** How a virtual CPU hears of events. */
export interface UpcallView {
  readonly vcpu: number;
  /** The bytes of its vcpu_info: an event is pending, and upcalls are masked. */
  readonly pending: boolean;
  readonly masked: boolean;
  /** Linear address of the guest's event handler, hexadecimal; null: it has set none. */
  readonly handler: string | null;
  /** What it waits for in Xen; null while it runs or could run. */
  readonly waits: "block" | "poll" | "up" | null;
}

/** An event channel that is open. */
export interface ChannelView {
  readonly port: number;
  readonly kind: Channel["kind"];
  /** Of `unbound` the domain that may bind to it, of `interdomain` the one at the other end. */
  readonly remote?: number;
  /** Of `interdomain`: the port at the other end. */
  readonly remotePort?: number;
  /** Of `virq`: number, and name where Xen's headers have one for x86. */
  readonly virq?: number;
  readonly name?: string;
  /** Virtual CPU that hears of its events. */
  readonly vcpu: number;
  readonly pending: boolean;
  readonly masked: boolean;
  readonly events: EventCounts;
}

/** An entry of the grant table that grants something, or is mapped. */
export interface GrantView {
  readonly reference: number;
  readonly kind: (typeof grantKinds)[number];
  /** Domain that may have the page. */
  readonly domain: number;
  /** Machine frame, and its number in the guest's pseudo-physical memory; null where the frame is not the guest's. */
  readonly frame: number;
  readonly physical: number | null;
  readonly readOnly: boolean;
  /** What Xen has marked: it is in use for reading, and for writing. */
  readonly reading: boolean;
  readonly writing: boolean;
  readonly mappings: readonly MappingView[];
}

/** A mapping of a grant. */
export interface MappingView {
  readonly handle: number;
  readonly readOnly: boolean;
  /** Machine address of the page-table entry, and the linear address that was asked for; null: the entry was. Hexadecimal. */
  readonly entry: string;
  readonly linear: string | null;
}

/** By the two bits of the kind. The last is of version 2, which is not here: a guest has written it all the same. */
const grantKinds = ["none", "access", "transfer", "transitive"] as const;

const hex = (value: bigint): string => BigInt.asUintN(64, value).toString(16).toUpperCase();

/** Past the watches of a debugger, who has not touched it. */
function hasBit(domain: Domain, array: number, port: number): boolean {
  const { at, bit } = bitPlace(domain, array, port);
  return (domain.memory.read8(at) & bit) !== 0;
}

function channelView(domain: Domain, port: number, channel: Channel): ChannelView {
  const { vcpu, events } = channel;
  const { pending, mask } = domain.shared;
  const state = { vcpu, pending: hasBit(domain, pending, port), masked: hasBit(domain, mask, port), events };
  switch (channel.kind) {
    case "unbound":
      return { port, kind: "unbound", remote: channel.remote, ...state };
    case "interdomain":
      return { port, kind: "interdomain", remote: ownDomain, remotePort: channel.port, ...state };
    case "virq": {
      const name = virqNames.get(channel.virq);
      return { port, kind: "virq", virq: channel.virq, ...(name === undefined ? {} : { name }), ...state };
    }
    case "ipi":
      return { port, kind: "ipi", ...state };
  }
}

function upcallView(domain: Domain, vcpu: number): UpcallView {
  const { vcpuInfo: info, callbacks, waits } = domain.stateOf(vcpu);
  return {
    vcpu,
    pending: domain.memory.read8(info + vcpuInfo.upcallPending) !== 0,
    masked: domain.memory.read8(info + vcpuInfo.upcallMask) !== 0,
    handler: callbacks.event ? hex(BigInt(callbacks.event.address)) : null,
    waits: waits?.kind ?? null,
  };
}

function mappingsOf({ common }: Domain, reference: number): readonly MappingView[] {
  return Object.entries(common.grantMaps)
    .filter(([, map]) => map.reference === reference)
    .map(([handle, { flags, entry, linear }]) => ({
      handle: Number(handle),
      readOnly: (flags & mapFlags.readOnly) !== 0,
      entry: hex(BigInt(entry)),
      linear: linear === null ? null : linear.toUpperCase(),
    }));
}

function grantView(domain: Domain, reference: number, entry: GrantEntry): GrantView | undefined {
  const { flags, frame } = entry;
  const kind = grantKinds[flags & entryFlags.kind]!;
  const mappings = mappingsOf(domain, reference);
  if (kind === "none" && mappings.length === 0) return undefined;
  return {
    ...{ reference, kind, domain: entry.domain, frame, mappings },
    physical: domain.frames.exists(frame) ? (domain.space.physicalOf(frame) ?? null) : null,
    readOnly: (flags & entryFlags.readOnly) !== 0,
    reading: (flags & entryFlags.reading) !== 0,
    writing: (flags & entryFlags.writing) !== 0,
  };
}

/** Looks at a domain, and changes nothing. */
export function domainView(domain: Domain, vm: string): DomainView {
  const { common, shared } = domain;
  const entries = common.grantFrames.length * entriesPerFrame;
  return {
    ...{ vm, id: ownDomain, ports: shared.ports, grantFrames: [...common.grantFrames], entriesPerFrame },
    upcalls: Array.from({ length: domain.vcpus }, (_, vcpu) => upcallView(domain, vcpu)),
    channels: Object.entries(common.channels).map(([port, channel]) => channelView(domain, Number(port), channel)),
    grants: Array.from({ length: entries }, (_, reference) => reference).flatMap(
      (reference) => grantView(domain, reference, grantEntry(domain, reference)!) ?? [],
    ),
  };
}
