import type { EventBody, EventKind, MachineEvent } from "../emulator/index.ts";
import { observedKinds } from "../emulator/mmu/translation-events.ts";
import { exitQualification } from "../emulator/trace/exit-qualification.ts";

const hexadecimal = (value: number): string => `${value.toString(16).toUpperCase()}h`;
const optional = (label: string, text: string | undefined): string => (text ? `${label}${text}` : "");

const listed = (...parts: readonly (string | false | undefined)[]): string => parts.filter(Boolean).join(", ");

type Of<K extends EventKind> = Extract<EventBody, { kind: K }>;
type Texts = { readonly [K in EventKind]: (event: Of<K>) => string };

const accessText = ({ access, user, linear }: Of<"paging"> | (Of<"tlb"> & { what: "fill" })): string =>
  `${user ? "user" : "kernel"} ${access} of ${linear}h`;

/** "qualification 3F80008h", "error code 2h"; empty where the exit said nothing more. */
function qualificationText(event: Of<"exit">): string {
  const { title, value, none = true } = exitQualification(event) ?? {};
  return none ? "" : `${title === "EXITINFO1" ? title : title?.toLowerCase().replace("exit ", "")} ${value}`;
}

function tlbText(event: Of<"tlb">): string {
  if (event.what === "fill") {
    const { host, size, global, nested, pcid, vpid } = event;
    const tags = [global && "global", nested && "nested", pcid > 0 && `PCID ${pcid}`, vpid > 0 && `VPID ${vpid}`];
    return `${accessText(event)} → ${host}h (${listed(size, ...tags)})`;
  }
  const { cause, linear, pcid, vpid, global, dropped, on } = event;
  const scope = [pcid !== undefined && `PCID ${pcid}`, vpid !== undefined && `VPID ${vpid}`, !global && "none global"];
  const what = listed(linear === undefined ? "flush" : `flush of ${linear}h`, ...scope);
  return `${what} by ${cause}${on === undefined ? "" : ` on vCPU ${on}`}: ${dropped} translation${dropped === 1 ? "" : "s"} gone`;
}

function pagingText(event: Of<"paging">): string {
  if (event.what === "fault")
    return `${accessText(event)}: ${event.table}, ${event.reason}; #PF with error code ${hexadecimal(event.errorCode)}`;
  const flags = [event.accessed && "A", event.dirty && "D"].filter(Boolean).join(" and ");
  return `${accessText(event)}: sets ${flags} of the ${event.table} at ${event.address}h`;
}

/** One line for each kind of event. */
const texts: Texts = {
  exit: (event) => `${event.reason}: ${event.what}${optional(" · ", qualificationText(event))}`,
  entry: ({ exit, handled, cost }) =>
    `${exit === 0 ? "first entry" : `after exit #${exit}`}: ${handled} (${cost} cycles)`,
  vmfail: ({ instruction, error, text }) =>
    `${instruction} failed${error === undefined ? "" : ` with error ${error}`}: ${text}`,
  lint: ({ text }) => text,
  inject: ({ name, vector, errorCode }) =>
    `${name}${vector < 0 ? "" : `, vector ${vector}`}${optional(", error code ", errorCode === undefined ? "" : hexadecimal(errorCode))}`,
  hypercall: ({ name, number, arguments: values, result }) => `${name} (${number}) ${values.join(", ")} = ${result}`,
  exception: ({ name, vector, errorCode, address }) =>
    `${name}, vector ${vector}${optional(", error code ", errorCode === undefined ? "" : hexadecimal(errorCode))}${optional(", address ", address && `${address}h`)}`,
  interrupt: ({ vector, irq, by }) => `vector ${vector}, ${by ?? `IRQ ${irq}`}`,
  io: ({ direction, port, bytes, value, device }) =>
    `${direction} ${hexadecimal(port)}, ${hexadecimal(value)} (${bytes} byte${bytes === 1 ? "" : "s"}, ${device})`,
  walk: ({ linear, physical, steps, verdict }) =>
    `${linear}h → ${physical === undefined ? verdict : `${physical}h`} in ${steps.length} steps`,
  shadow: ({ class: kind, linear, what, also }) =>
    `${kind}${linear === "0" ? "" : ` at ${linear}h`}: ${what}${optional(" · ", also.join(", "))}`,
  interpret: ({ what }) => what,
  translate: ({ unit, linear, instructions, bytes, cache, cacheBytes, text }) =>
    `unit ${unit}: ${linear}h, ${instructions} instruction${instructions === 1 ? "" : "s"} in ${bytes} bytes → ${cache}h, ${cacheBytes} bytes: ${text.join("; ")}`,
  chain: ({ from, to, how, at }) => `${from === null ? "lookups" : `unit ${from}`} → unit ${to} at ${at}h: ${how}`,
  invalidate: ({ units, why }) => `unit${units.length === 1 ? "" : "s"} ${units.join(", ")}: ${why}`,
  adapt: ({ at, callout, what }) => `${what} at ${at}h ${callout ? "becomes a callout" : "is a callout no more"}`,
  output: ({ device, text }) => `${device}: ${JSON.stringify(text)}`,
  screen: ({ mode, columns, rows, graphics, lines }) =>
    mode === "graphics" ? graphics : `${columns} × ${rows} ${JSON.stringify(lines.join("\n").trimEnd())}`,
  mode: ({ from, to }) => `${from} → ${to}`,
  schedule: ({ what, reason, movedFrom }) =>
    `${what}: ${reason}${movedFrom === undefined ? "" : ` · last ran on pCPU ${movedFrom}`}`,
  tlb: tlbText,
  paging: pagingText,
  stop: ({ reason, text }) => `${reason}: ${text}`,
};

/** What kinds of events are called at the head of a line. */
export const kindTitles: Readonly<Record<EventKind, string>> = {
  exit: "VM exit",
  entry: "VM entry",
  vmfail: "VMX failure",
  lint: "VMX mistake",
  inject: "Injection",
  hypercall: "Hypercall",
  exception: "Exception",
  interrupt: "Interrupt",
  io: "Port access",
  walk: "Page walk",
  shadow: "Shadow paging",
  interpret: "Interpretation by the VMM",
  translate: "Translation of code",
  chain: "Chaining of code",
  invalidate: "Invalidation of code",
  adapt: "Adaptation of code",
  output: "Console output",
  screen: "Screen",
  mode: "Mode change",
  schedule: "Scheduling",
  tlb: "TLB",
  paging: "Page walk of the processor",
  stop: "End of the guest",
};

export const eventKinds = Object.keys(texts) as EventKind[];

/** Whether events of a kind are told while somebody asks for them, and not recorded. */
export const isObserved = (kind: EventKind): boolean => (observedKinds as readonly EventKind[]).includes(kind);

/** What can be among the events of a machine; a walk is the answer to a question. */
export const recordedKinds = eventKinds.filter((kind) => kind !== "walk" && !isObserved(kind));

/** What happened, on one line. */
export const describeEvent = (event: MachineEvent): string => (texts[event.kind] as (body: EventBody) => string)(event);

/** An event as one line of a trace: sequence, or after which one it was observed, cycle, address, kind, what happened. */
export function eventText(event: MachineEvent): string {
  const number = isObserved(event.kind) ? `${Math.floor(event.sequence)}+` : `${event.sequence}`;
  const columns = [`#${number}`.padStart(7), String(event.cycle).padStart(10), `${event.rip}h`.padStart(9)];
  return `${columns.join(" ")}  ${event.kind.padEnd(9)}  ${describeEvent(event)}\n`;
}
