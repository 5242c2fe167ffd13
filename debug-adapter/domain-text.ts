/** Event channels and grants in words: the same in views and in the debug console. Pure. */
import type { ChannelView, GrantView, MappingView, UpcallView } from "../emulator/vmm/xen/domain-view.ts";

/** A column of a list. */
export interface Column<Row> {
  readonly title: string;
  /** Of numbers, which stand at the right. */
  readonly numeric?: true;
  /** What it means, where the title says too little. */
  readonly hint?: string;
  readonly cell: (row: Row) => string;
}

/** What a port is bound to. */
function channelEnd({ kind, remote, remotePort, virq, name, vcpu }: ChannelView): string {
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
const channelState = ({ pending, masked }: ChannelView): string =>
  pending ? (masked ? "pending, masked" : "pending") : masked ? "masked" : "";

/** "3, 1 merged": events that came to a port. */
const raisedText = ({ events: { raised, merged } }: ChannelView): string =>
  merged === 0 ? `${raised}` : `${raised}, ${merged} merged`;

export const channelColumns: readonly Column<ChannelView>[] = [
  { title: "port", numeric: true, cell: ({ port }) => `${port}` },
  { title: "kind", cell: ({ kind }) => (kind === "virq" || kind === "ipi" ? kind.toUpperCase() : kind) },
  { title: "bound to", cell: channelEnd },
  { title: "vCPU", numeric: true, hint: "The virtual CPU that hears of its events", cell: ({ vcpu }) => `${vcpu}` },
  { title: "state", hint: "The port's bits in the shared page", cell: channelState },
  {
    title: "sent",
    numeric: true,
    hint: "Times that the guest sent on it, since it was opened",
    cell: ({ events }) => `${events.sent}`,
  },
  {
    title: "came",
    numeric: true,
    hint: "Events that came to it; merged ones found it pending already",
    cell: raisedText,
  },
];

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

const grantAccess = ({ kind, readOnly }: GrantView): string =>
  kind === "access" ? (readOnly ? "read" : "read, write") : accessKinds[kind];

/** "10F7h, page 307h": the machine frame, and the guest's own page. */
const grantFrame = ({ frame, physical }: GrantView): string =>
  `${frame.toString(16).toUpperCase()}h${physical === null ? "" : `, page ${physical.toString(16).toUpperCase()}h`}`;

/** What Xen has marked in the entry. */
const grantUse = ({ reading, writing }: GrantView): string => (writing ? "read, written" : reading ? "read" : "");

const mappingText = ({ handle, readOnly, entry, linear }: MappingView): string =>
  `${linear === null ? `entry ${entry}h` : `${linear}h`} (handle ${handle}${readOnly ? ", to read" : ""})`;

const grantMappings = ({ mappings }: GrantView): string => mappings.map(mappingText).join(", ");

export const grantColumns: readonly Column<GrantView>[] = [
  {
    title: "grant",
    numeric: true,
    hint: "The reference: the entry's number in the grant table",
    cell: ({ reference }) => `${reference}`,
  },
  { title: "to", cell: ({ domain }) => `domain ${domain}` },
  { title: "frame", hint: "The machine frame, and which page of the guest it is", cell: grantFrame },
  { title: "access", cell: grantAccess },
  { title: "in use", hint: "The marks that Xen keeps in the entry while it is mapped", cell: grantUse },
  { title: "mapped", numeric: true, cell: ({ mappings }) => `${mappings.length}` },
  { title: "at", hint: "The linear address, or the page-table entry, that was asked for", cell: grantMappings },
];
