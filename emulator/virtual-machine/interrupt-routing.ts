import type { IoApic } from "../devices/apic/io-apic.ts";
import type { InterruptSource } from "../devices/interrupt-source.ts";
import type { Pic } from "../devices/pic-8259.ts";
import type { Processors } from "./processors.ts";

/** The interrupt input of the processor in the core: its local APIC's interrupts first, then the 8259's if they pass. */
export function routeInterrupts(pic: Pic, io: IoApic, processors: () => Processors): InterruptSource {
  return {
    get pending() {
      const all = processors();
      // Asked at every exit: the 8259 hardly ever has one, and says so quickly.
      return all.pendingVector >= 0 || (pic.pending && all.hears8259);
    },
    acknowledge: () => (processors().pendingVector >= 0 ? processors().apic.acknowledge() : pic.acknowledge()),
    setTaskPriority: (priority) => {
      processors().apic.taskPriority = priority << 4;
    },
    switchLocalApic: (on) => processors().apic.switch(on),
    // An interrupt of the I/O APIC and one of the 8259 may have the same vector; the I/O APIC is asked first.
    localSourceOf: (vector) => processors().apic.sourceOf(vector),
    irqOf: (vector) => (io.inputOf(vector) >= 0 ? io.inputOf(vector) : pic.irqOf(vector)),
  };
}
