import { type Fairness, fairness } from "../schedule/fairness.ts";
import type { ScheduleEvent } from "../schedule/schedule-event.ts";
import { Simulation } from "../schedule/simulation.ts";
import type { TaskFigures } from "../schedule/task.ts";
import { type MachineFile, modelOf } from "./machine-file.ts";

/** What came of a model workload; of two threads of a guest's own, what each had, in microseconds. */
export interface WorkloadFigures extends TaskFigures {
  readonly threads?: readonly number[];
}

/** Runs the model workloads of a machine file without programs for as long as it says. */
export function runMachineFile(
  file: MachineFile,
  record: (event: ScheduleEvent) => void,
): { readonly figures: Fairness; readonly workloads: Readonly<Record<string, WorkloadFigures>> } {
  const simulation = new Simulation(modelOf(file), record);
  simulation.run(file.duration!);
  const figures = fairness(simulation.host);
  const workloads = figures.vcpus.map(({ vcpu }) => {
    const threads = simulation.threads(vcpu);
    return [vcpu, { ...simulation.figures(vcpu), ...(threads && { threads }) }] as const;
  });
  return { figures, workloads: Object.fromEntries(workloads) };
}
