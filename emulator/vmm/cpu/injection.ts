import type { Cpu } from "../../cpu/cpu.ts";
import type { Observer } from "../../cpu/environment.ts";
import { isVmExit, vector, vectorName } from "../../cpu/fault.ts";
import { layout } from "../../cpu/layout.ts";
import type { Fault } from "../../cpu/monitor.ts";
import { hex } from "../../vmx/bit-layout.ts";
import type { VmmContext } from "../context.ts";

/** An event that an entry puts into the guest. */
export type InjectedEvent = Fault | { readonly kind: "interrupt"; readonly vector: number };

/**
 * Delivers an event through the guest's IDT, as part of the entry; that may leave the guest again. With `again` the guest's
 * observers have seen it before: its delivery is tried once more. True if something was delivered that an instruction asked for
 * and an exit had interrupted, as all software interrupts are, and others with `retires`: now the instruction retires.
 */
export function deliverInjected(
  { cpu, record }: VmmContext,
  injected: InjectedEvent,
  again: boolean,
  retires = false,
): boolean {
  const event = withAddress(cpu, injected);
  const errorCode = event.kind === "fault" ? event.errorCode : undefined;
  record({
    kind: "inject",
    vector: event.vector,
    name: event.kind === "interrupt" ? `interrupt ${hex(event.vector)}` : vectorName(event.vector),
    ...(errorCode === undefined ? {} : { errorCode }),
  });
  const { observer } = cpu;
  if (again) cpu.observer = withoutRepetition(observer, event);
  try {
    if (event.kind === "fault") return cpu.inject(event) && (retires || event.source !== "hardware");
    cpu.interrupt(event.vector);
  } catch (thrown) {
    if (!isVmExit(thrown)) throw thrown;
  } finally {
    cpu.observer = observer;
  }
  return false;
}

/** The address of a page fault that is injected is what the VMM has put into CR2. */
const withAddress = (cpu: Cpu, event: InjectedEvent): InjectedEvent =>
  event.kind === "fault" && event.vector === vector.PF ? { ...event, address: cpu.r64[layout.cr2 >> 3]! } : event;

/** The guest is delivered the event once, however often the processor tries. */
const withoutRepetition = (observer: Observer, event: InjectedEvent): Observer => ({
  ...observer,
  interrupt: () => {},
  exception: (fault) => {
    if (fault !== event) observer.exception?.(fault);
  },
});
