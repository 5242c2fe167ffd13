import type { Cpu } from "../cpu/cpu.ts";
import { exceptionName } from "../cpu/exception-names.ts";
import type { Fault } from "../cpu/monitor.ts";
import type { InterruptSource } from "../devices/interrupt-source.ts";
import type { RecordedBody } from "../trace/event.ts";

function exceptionEvent(fault: Fault): RecordedBody {
  return {
    kind: "exception",
    vector: fault.vector,
    name: exceptionName(fault.vector),
    ...(fault.errorCode === undefined ? {} : { errorCode: fault.errorCode }),
    ...(fault.address === undefined ? {} : { address: fault.address.toString(16) }),
  };
}

function interruptEvent(vector: number, from: InterruptSource): RecordedBody {
  const irq = from.irqOf(vector);
  const by = irq < 0 ? from.localSourceOf?.(vector) : undefined;
  return { kind: "interrupt", vector, irq, ...(by && { by }) };
}

/** Records what the processor does to the guest; `interrupts` is what it is connected to now. INT n is a call, no exception: the instruction itself shows it. */
export function observeProcessor(
  cpu: Cpu,
  interrupts: () => InterruptSource,
  record: (body: RecordedBody) => void,
): void {
  cpu.observer = {
    exception: (fault) => {
      if (fault.source !== "software") record(exceptionEvent(fault));
    },
    interrupt: (vector) => record(interruptEvent(vector, interrupts())),
    modeChanged: (from, to) => record({ kind: "mode", from, to }),
  };
}
