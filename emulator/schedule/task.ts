/** What a workload is doing. */
type Phase = "work" | "spin" | "hold" | "answer" | "wait";

export interface Task {
  phase: Phase;
  /** Microseconds of running until it does something by itself; null: nothing. */
  left: number | null;
  /** When it wakes by itself; null: when somebody wakes it. */
  wakesAt: number | null;
  /** Phase that was interrupted to answer a sibling, with what was left of it. */
  resume: { phase: Phase; left: number | null } | null;
  /** Siblings whose answer it waits for. */
  awaits: string[];
  /** Siblings that wait for its answer. */
  asked: string[];
  /** Of `threads`: the running one, when its turn began by its clock, what each has had. */
  thread: { current: number; began: number; ran: number[] };
  readonly figures: TaskFigures;
}

/** What came of it: rounds done, time spun, times it left its spinning for the VMM. */
export interface TaskFigures {
  rounds: number;
  spun: number;
  exits: number;
}

export interface Lock {
  holder: string | null;
  /** Those that want it, in the order of asking. */
  queue: string[];
}

export const newTask = (): Task => ({
  phase: "wait",
  left: null,
  wakesAt: 0,
  resume: null,
  awaits: [],
  asked: [],
  thread: { current: 0, began: 0, ran: [0, 0] },
  figures: { rounds: 0, spun: 0, exits: 0 },
});
