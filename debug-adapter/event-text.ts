import type { EventBody, EventKind, MachineEvent } from "../emulator/index.ts";

type Texts = { readonly [K in EventKind]: (event: Extract<EventBody, { kind: K }>) => string };

const hexadecimal = (value: number): string => `${value.toString(16).toUpperCase()}h`;
const optional = (label: string, text: string | undefined): string => (text ? `${label}${text}` : "");

/** One line for each kind of event. */
const texts: Texts = {
  exit: ({ reason, what, qualification }) => `${reason}: ${what}${optional(" · qualification ", qualification)}`,
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
  interrupt: ({ vector, irq }) => `vector ${vector}, IRQ ${irq}`,
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
  stop: "End of the guest",
};

export const eventKinds = Object.keys(texts) as EventKind[];

/** What happened, on one line. */
export const describeEvent = (event: MachineEvent): string => (texts[event.kind] as (body: EventBody) => string)(event);

/** An event as one line of a trace: sequence, cycle, address, kind, what happened. */
export function eventText(event: MachineEvent): string {
  const columns = [`#${event.sequence}`.padStart(7), String(event.cycle).padStart(10), `${event.rip}h`.padStart(9)];
  return `${columns.join(" ")}  ${event.kind.padEnd(9)}  ${describeEvent(event)}\n`;
}
