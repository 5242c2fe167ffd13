import type { Program } from "../../debug-adapter/program.ts";
import { baseless, undecided, type Verdict } from "../verdict.ts";
import { isVerdict, type Subject, type Watcher } from "../watcher.ts";
import type { RunPredicate } from "./index.ts";

/** Kinds that are about one program, and so about one VM: the first, where none is named. */
const ofProgram: ReadonlySet<RunPredicate["kind"]> = new Set<RunPredicate["kind"]>([
  "screen",
  "state",
  "memory",
  "translation",
  "coverage",
]);

/** Shows a watcher what happens in a VM only; at the end, the machine is looked at from there. */
function within(watcher: Watcher, vm: string, { machine }: Subject): Watcher {
  return {
    ...(watcher.kinds && { kinds: watcher.kinds }),
    get stops() {
      return watcher.stops ?? new Set<bigint>();
    },
    see: (event) => {
      if (event.vm === vm) watcher.see?.(event);
    },
    look: (address) => {
      if (machine.vm === vm) watcher.look?.(address);
    },
    verdict: (end) => {
      machine.look({ vm, vcpu: 0 });
      return watcher.verdict(end);
    },
  };
}

/** Makes a watcher for the VM that a predicate names, or is about. */
export async function inVm(
  subject: Subject,
  programs: ReadonlyMap<string, Program>,
  predicate: RunPredicate,
  make: (subject: Subject) => Promise<Watcher | Verdict>,
): Promise<Watcher | Verdict> {
  const extent = "within" in predicate && predicate.within !== undefined;
  const [first] = programs.keys();
  const vm = predicate.vm ?? (ofProgram.has(predicate.kind) || extent ? first : undefined);
  if (vm === undefined) return make(subject);
  const program = programs.get(vm);
  if (!program) return unknown(subject, vm);
  if (programs.size === 1) return make(subject);
  const made = await make({ ...subject, program });
  return isVerdict(made) ? made : within(made, vm, subject);
}

/** Where the machine file is handed in, it lacks the VM; else the assignment is wrong. */
function unknown({ files, scenario }: Subject, vm: string): Verdict {
  const isHandedIn = scenario.machine !== undefined && files.includes(scenario.machine);
  return (isHandedIn ? baseless : undecided)(`a VM ${vm}`, `there is no VM ${vm}`);
}
