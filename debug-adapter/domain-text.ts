/** Event channels and grants in words: the same in views and in the debug console. Pure. */
import type { ChannelView, GrantView, MappingView, UpcallView } from "../emulator/vmm/xen/domain-view.ts";

/** What a port is bound to. */
export function channelEnd({ kind, remote, remotePort, virq, name, vcpu }: ChannelView): string {
  switch (kind) {
    case "unbound":
      return `waits for domain ${remote} to bind`;
    case "interdomain":
      return `domain ${remote}, port ${remotePort}`;
    case "virq":
      return name === undefined ? `virtual interrupt ${virq}` : `virtual interrupt ${virq}, ${name}`;
    case "ipi":
      return `other vCPUs, who send to vCPU ${vcpu}`;
  }
}

/** Why an event has or has not reached the guest. */
export const channelState = ({ pending, masked }: ChannelView): string =>
  pending ? (masked ? "pending, masked" : "pending") : masked ? "masked" : "";

/** "3, 1 merged": events that came to a port. */
export const raisedText = ({ events: { raised, merged } }: ChannelView): string =>
  merged === 0 ? `${raised}` : `${raised}, ${merged} merged`;

export function upcallText({ vcpu, pending, masked, handler, waits }: UpcallView): string {
  const way = handler === null ? "no event handler" : `handler ${handler}h`;
  const wait = { block: "blocked until an event comes", poll: "polls ports", up: "not brought up" };
  return [
    `vCPU ${vcpu}: ${way}`,
    `upcalls ${masked ? "masked" : "let through"}${pending ? ", one pending" : ""}`,
    ...(waits === null ? [] : [wait[waits]]),
  ].join("; ");
}

const accessKinds = {
  none: "revoked",
  access: "access",
  transfer: "transfer",
  transitive: "transitive (version 2, not here)",
} as const;

export const grantAccess = ({ kind, readOnly }: GrantView): string =>
  kind === "access" ? (readOnly ? "read" : "read, write") : accessKinds[kind];

/** "10F7h, page 307h": the machine frame, and the guest's own page. */
export const grantFrame = ({ frame, physical }: GrantView): string =>
  `${frame.toString(16).toUpperCase()}h${physical === null ? "" : `, page ${physical.toString(16).toUpperCase()}h`}`;

/** What Xen has marked in the entry. */
export const grantUse = ({ reading, writing }: GrantView): string =>
  writing ? "read, written" : reading ? "read" : "";

const mappingText = ({ handle, readOnly, entry, linear }: MappingView): string =>
  `${linear === null ? `entry ${entry}h` : `${linear}h`} (handle ${handle}${readOnly ? ", to read" : ""})`;

export const grantMappings = ({ mappings }: GrantView): string => mappings.map(mappingText).join(", ");
