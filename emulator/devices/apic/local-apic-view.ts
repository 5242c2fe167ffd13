import { bitsText, type DeviceRegister, type DeviceView, type InterruptView } from "../device-view.ts";
import { deliveryModeText } from "./apic-bus.ts";
import type { LocalApic } from "./local-apic.ts";
import { localRegister as at, masked } from "./local-apic-state.ts";
import { VectorSet } from "./vector-set.ts";

const timerModes = ["one-shot", "periodic", "TSC deadline", "reserved mode"] as const;

/** IRR, ISR or TMR: eight registers 16 bytes apart. */
const setAt = (apic: LocalApic, first: number): VectorSet =>
  new VectorSet(Array.from({ length: 8 }, (_, n) => apic.read(first + 16 * n)));

/** The vectors that are requested or in service, highest first, as the processor takes them. */
function vectors(apic: LocalApic): InterruptView[] {
  const [requests, inService, level] = [at.requests, at.inService, at.triggerMode].map((first) => setAt(apic, first));
  const found: InterruptView[] = [];
  for (let vector = 255; vector >= 0; vector--) {
    const [requested, served] = [requests!.has(vector), inService!.has(vector)];
    if (!requested && !served) continue;
    found.push({
      input: `vector ${vector.toString(16).toUpperCase()}h`,
      vector,
      line: undefined,
      requested,
      inService: served,
      masked: false,
      text: level!.has(vector) ? "level" : "edge",
    });
  }
  return found;
}

function localVector(apic: LocalApic, offset: number, name: string): InterruptView {
  const entry = apic.read(offset);
  const mode = offset === at.timer || offset === at.error ? "fixed" : deliveryModeText((entry >> 8) & 7);
  const text = offset === at.timer ? timerModes[(entry >> 17) & 3]! : mode;
  return {
    input: name,
    vector: entry & 0xff,
    line: undefined,
    requested: false,
    inService: false,
    masked: (entry & masked) !== 0,
    text,
  };
}

const localVectors = [
  [at.timer, "LVT timer"],
  [at.lint0, "LVT LINT0"],
  [at.lint1, "LVT LINT1"],
  [at.error, "LVT error"],
  [at.performance, "LVT performance"],
  [at.thermal, "LVT thermal"],
] as const;

const errorNames = ["", "", "", "", "", "send illegal vector", "received illegal vector", "illegal register"];

function registers(apic: LocalApic): DeviceRegister[] {
  const value = (offset: number): number => apic.read(offset) >>> 0;
  const row = (name: string, offset: number, text = ""): DeviceRegister => ({
    name,
    value: value(offset),
    bits: 32,
    text,
  });
  return [
    row("ID", at.id),
    row("TPR", at.taskPriority, `class ${value(at.taskPriority) >> 4}`),
    row("PPR", at.processorPriority, `class ${value(at.processorPriority) >> 4}`),
    row("SVR", at.spurious, apic.enabled ? "enabled" : "disabled by software"),
    row("ESR", at.errors, bitsText(value(at.errors), errorNames)),
    row("ICR", at.command),
    row("ICR high", at.commandHigh),
    row("LDR", at.logicalDestination),
    row("DFR", at.destinationFormat),
    row("divide configuration", at.divide),
  ];
}

/** The local APIC of one processor, by its registers, none of which changes by being read. */
export function localApicView(apic: LocalApic): DeviceView {
  const name = `local APIC ${apic.id}`;
  if (!apic.on) return { name: `${name} (switched off in IA32_APIC_BASE)`, registers: [] };
  const timer = apic.read(at.timer);
  return {
    name,
    registers: registers(apic),
    interrupts: [...vectors(apic), ...localVectors.map(([offset, text]) => localVector(apic, offset, text))],
    timers: [
      {
        name: `APIC ${apic.id}`,
        text: timerModes[(timer >> 17) & 3]!,
        count: apic.read(at.currentCount),
        initial: apic.read(at.initialCount),
        next: apic.nextDeadline(),
      },
    ],
  };
}
