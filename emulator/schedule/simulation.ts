import type { Change, Model } from "./model.ts";
import { PhysicalCpus } from "./physical-cpus.ts";
import { pseudoRandom } from "./pseudo-random.ts";
import type { ScheduleEvent } from "./schedule-event.ts";
import { copy, earliest } from "./scheduler.ts";
import { type Lock, newTask, type Task, type TaskFigures } from "./task.ts";
import type { Vcpu } from "./vcpu.ts";
import { spinWindow, type Workload } from "./workload.ts";

/** What a thief takes to boot, while ticks still find it running: one slice of the credit scheduler. */
const bootTime = 30_000;

interface State {
  tasks: Record<string, Task>;
  /** One for each VM. */
  locks: Record<string, Lock>;
  changed: number;
}

/** Runs models of workloads on a host: they say what vCPUs would do, the host's scheduler who runs when. */
export class Simulation {
  readonly host: PhysicalCpus;
  readonly #workloads = new Map<string, Workload>();
  readonly #changes: readonly Change[];
  #state: State = { tasks: {}, locks: {}, changed: 0 };

  constructor(model: Model, record?: (event: ScheduleEvent) => void) {
    const { pcpus, scheduler, options = {}, vms, changes = [], seed = 0 } = model;
    this.host = new PhysicalCpus({ pcpus, scheduler, options, ...(record && { record }) });
    this.#changes = [...changes].sort((a, b) => a.at - b.at);
    for (const { name, workloads, parameters, affinities } of vms)
      for (const [number, workload] of workloads.entries()) {
        const affinity = affinities?.[number];
        this.host.add(name, number, { ...parameters, ...(affinity !== undefined && { affinity }) });
        this.#workloads.set(`${name}/${number}`, workload);
      }
    for (const id of pseudoRandom(seed).shuffled([...this.#workloads.keys()])) this.#state.tasks[id] = newTask();
    for (const { name } of vms) this.#state.locks[name] = { holder: null, queue: [] };
    for (const [id, workload] of this.#workloads)
      if (workload.kind === "periodic") this.#task(id).wakesAt = workload.offset ?? 0;
  }

  #task(id: string): Task {
    return this.#state.tasks[id]!;
  }

  #workload<K extends Workload["kind"]>(id: string, _kind: K): Extract<Workload, { kind: K }> {
    return this.#workloads.get(id)! as Extract<Workload, { kind: K }>;
  }

  figures(id: string): TaskFigures {
    return this.#task(id).figures;
  }

  /** Time that each thread of a `threads` workload has had; undefined of others. */
  threads(id: string): readonly number[] | undefined {
    return this.#workloads.get(id)?.kind === "threads" ? this.#task(id).thread.ran : undefined;
  }

  /** Runs on to a moment of virtual time, in whole microseconds. */
  run(until: number): void {
    for (;;) {
      this.#due();
      this.host.settle();
      while (this.#react()) this.host.settle();
      if (this.host.now >= until) return;
      this.#pass(Math.min(until, this.#next ?? until));
      this.#act();
    }
  }

  get #running(): Vcpu[] {
    return this.host.pcpus.map((_, pcpu) => this.host.running(pcpu)).filter((vcpu) => vcpu !== undefined);
  }

  get #next(): number | null {
    const { now } = this.host;
    const acts = this.#running.map(({ id }) => this.#task(id).left).map((left) => (left === null ? null : now + left));
    const wakes = Object.values(this.#state.tasks).map(({ wakesAt }) => wakesAt);
    return earliest(this.host.next, this.#changes[this.#state.changed]?.at ?? null, ...acts, ...wakes);
  }

  #pass(to: number): void {
    const time = to - this.host.now;
    for (const { id } of this.#running) {
      const task = this.#task(id);
      if (task.left !== null) task.left -= time;
      if (task.phase === "spin") task.figures.spun += time;
      task.thread.ran[task.thread.current]! += time;
    }
    this.host.advance(to);
  }

  /** Sleepers whose time has come, and changes that were asked for. */
  #due(): void {
    const { now } = this.host;
    for (; (this.#changes[this.#state.changed]?.at ?? now + 1) <= now; this.#state.changed++)
      this.#change(this.#changes[this.#state.changed]!);
    for (const [id, task] of Object.entries(this.#state.tasks)) {
      if (task.wakesAt === null || task.wakesAt > now) continue;
      task.wakesAt = null;
      if (this.#runState(id) === "offline") continue;
      const { phase, left } = task;
      this.#begin(id, task);
      if (task.resume) {
        // It is up to answer a sibling: first that.
        task.resume = { phase: task.phase, left: task.left };
        Object.assign(task, { phase, left });
      }
      this.host.wake(id, `${id}: its time has come`);
    }
  }

  #runState(id: string): Vcpu["state"] {
    return this.host.vcpus.find((vcpu) => vcpu.id === id)!.state;
  }

  #change({ vm, vcpu, unplug, set }: Change): void {
    const ids = this.host.vcpus.filter((one) => one.vm === vm).map(({ id }) => id);
    const chosen = vcpu === undefined ? ids : [`${vm}/${vcpu}`];
    for (const id of chosen) {
      if (set) this.host.adjust(id, set);
      if (unplug) this.#unplug(id, vm);
      if (unplug === false) {
        this.host.replug(id);
        this.#task(id).wakesAt = this.host.now;
      }
    }
  }

  /** The guest gives up what the vCPU holds and asks of others before it lets go of it. */
  #unplug(id: string, vm: string): void {
    const lock = this.#state.locks[vm]!;
    lock.queue = lock.queue.filter((other) => other !== id);
    if (lock.holder === id) this.#release(id);
    this.#answer(id);
    for (const task of Object.values(this.#state.tasks)) task.asked = task.asked.filter((other) => other !== id);
    Object.assign(this.#task(id), { awaits: [], resume: null, wakesAt: null });
    this.host.unplug(id);
  }

  /** What it does when it wakes. */
  #begin(id: string, task: Task): void {
    const workload = this.#workloads.get(id)!;
    task.phase = "work";
    const { now } = this.host;
    if (workload.kind === "cpu") task.left = null;
    else if (workload.kind === "periodic") task.left = workload.run;
    else if (workload.kind === "thief") task.left = this.#untilTick(id);
    else if (workload.kind === "threads") {
      task.thread.began = now;
      task.left = workload.quantum;
    } else task.left = workload.work;
  }

  /** Those that run and have used up what they were to do. */
  #act(): void {
    for (const { id, state } of this.#running) {
      const task = this.#task(id);
      if (task.left !== 0 || state !== "running") continue;
      const { kind } = this.#workloads.get(id)!;
      if (task.phase === "answer") this.#answered(id, task);
      else if (kind === "periodic") this.#sleep(id, task);
      else if (kind === "thief") this.#steal(id, task);
      else if (kind === "threads") this.#nextThread(id, task);
      else if (kind === "lock") this.#lockStep(id, task);
      else if (kind === "shootdown") this.#shoot(id, task);
    }
  }

  /** What those that run notice of each other; true if something has changed. */
  #react(): boolean {
    let changed = false;
    for (const vcpu of this.#running) {
      const { id } = vcpu;
      if (vcpu.state !== "running") continue;
      const task = this.#task(id);
      const { kind } = this.#workloads.get(id)!;
      if (kind === "lock" && task.phase === "spin" && this.#free(id)) {
        this.#acquire(id, task);
        changed = true;
      }
      if (kind === "threads") this.#catchUp(id, task);
      if (kind === "thief") changed = this.#stayAway(id, task) || changed;
      if (task.asked.length > 0 && task.phase !== "answer") {
        task.resume = { phase: task.phase, left: task.left };
        Object.assign(task, { phase: "answer", left: this.#answerTime(task) });
        changed = true;
      }
    }
    return changed;
  }

  // A sleeper.

  #sleep(id: string, task: Task): void {
    const { period, offset = 0 } = this.#workload(id, "periodic");
    task.figures.rounds++;
    task.wakesAt = offset + period * (Math.floor((this.host.now - offset) / period) + 1);
    Object.assign(task, { phase: "wait", left: null });
    this.host.block(id, `${id} sleeps until its next period`);
  }

  // A thief of time.

  /** How long it may run until it must be away; at least 1. */
  #untilTick(id: string): number {
    const { tick, margin } = this.#workload(id, "thief");
    return Math.max(1, tick - margin - (this.host.now % tick));
  }

  /** It was kept waiting: what it had planned may reach into a tick. */
  #stayAway(id: string, task: Task): boolean {
    const { tick, margin, boot = bootTime } = this.#workload(id, "thief");
    const within = this.host.now % tick;
    if (this.host.now < boot) {
      task.left = boot - this.host.now;
      return false;
    }
    if (within >= margin && within < tick - margin) {
      task.left = this.#untilTick(id);
      return false;
    }
    this.#steal(id, task);
    return true;
  }

  #steal(id: string, task: Task): void {
    const { tick, margin } = this.#workload(id, "thief");
    const { now } = this.host;
    task.figures.rounds++;
    task.wakesAt = now % tick < margin ? now - (now % tick) + margin : now - (now % tick) + tick + margin;
    Object.assign(task, { phase: "wait", left: null });
    this.host.block(id, `${id} sleeps while the tick looks`);
  }

  // Threads of the guest's own.

  /** By the wall clock, time in which the vCPU did not run counts for the thread whose turn it was. */
  #catchUp(id: string, task: Task): void {
    const { quantum, clock } = this.#workload(id, "threads");
    if (clock === "steal-time") return;
    const due = task.thread.began + quantum;
    task.left = Math.max(1, due - this.host.now);
  }

  #nextThread(id: string, task: Task): void {
    const { quantum } = this.#workload(id, "threads");
    task.thread.current = 1 - task.thread.current;
    task.thread.began = this.host.now;
    task.left = quantum;
    task.figures.rounds++;
  }

  // A lock.

  #lockOf(id: string): Lock {
    return this.#state.locks[id.split("/")[0]!]!;
  }

  #free(id: string): boolean {
    const { holder, queue } = this.#lockOf(id);
    return holder === null && (!this.#workload(id, "lock").ticket || queue[0] === id);
  }

  #acquire(id: string, task: Task): void {
    const lock = this.#lockOf(id);
    lock.holder = id;
    lock.queue = lock.queue.filter((other) => other !== id);
    Object.assign(task, { phase: "hold", left: this.#workload(id, "lock").hold });
  }

  #release(id: string): void {
    const lock = this.#lockOf(id);
    lock.holder = null;
    const next = lock.queue.find((other) => this.#task(other).phase === "wait");
    if (next === undefined) return;
    const task = this.#task(next);
    Object.assign(task, { phase: "spin", left: spinWindow });
    this.host.wake(next, `${id} has released the lock and kicks ${next}`);
  }

  #lockStep(id: string, task: Task): void {
    if (task.phase === "hold") {
      task.figures.rounds++;
      Object.assign(task, { phase: "work", left: this.#workload(id, "lock").work });
      this.#release(id);
    } else if (task.phase === "work") {
      this.#lockOf(id).queue.push(id);
      if (this.#free(id)) this.#acquire(id, task);
      else Object.assign(task, { phase: "spin", left: this.#patience(id) });
    } else this.#giveWay(id, task);
  }

  #patience(id: string): number | null {
    return this.#workload(id, "lock").wait === "spin" ? null : spinWindow;
  }

  /** The window of spinning is over. */
  #giveWay(id: string, task: Task): void {
    const { wait } = this.#workload(id, "lock");
    const { holder } = this.#lockOf(id);
    task.figures.exits++;
    task.left = spinWindow;
    if (wait === "paravirtual") {
      Object.assign(task, { phase: "wait", left: null });
      this.host.block(id, `${id} has spun for ${spinWindow} µs and sleeps until it is kicked`);
    } else {
      const to = wait === "directed-yield" && holder !== null ? holder : undefined;
      this.host.yield(id, `${id} has spun for ${spinWindow} µs: PAUSE exit, ${to ? `yields to ${to}` : "yields"}`, to);
    }
  }

  // A shoot-down.

  #siblings(id: string): Vcpu[] {
    const vm = id.split("/")[0]!;
    return this.host.vcpus.filter((vcpu) => vcpu.vm === vm && vcpu.id !== id && vcpu.state !== "offline");
  }

  #shoot(id: string, task: Task): void {
    const { lazy, work } = this.#workload(id, "shootdown");
    const targets = this.#siblings(id).filter(({ state }) => !lazy || state === "running");
    task.awaits = targets.map((target) => target.id);
    for (const target of targets) {
      this.#task(target.id).asked.push(id);
      this.host.wake(target.id, `${id} interrupts ${target.id}`);
    }
    if (targets.length === 0) this.#done(task, work);
    else Object.assign(task, { phase: "spin", left: null });
  }

  #done(task: Task, work: number): void {
    task.figures.rounds++;
    Object.assign(task, { phase: "work", left: work });
  }

  #answerTime(task: Task): number {
    const workload = this.#workloads.get(task.asked[0]!)!;
    return workload.kind === "shootdown" ? Math.max(1, workload.answer) : 1;
  }

  #answered(id: string, task: Task): void {
    const { phase, left } = task.resume!;
    Object.assign(task, { phase, left, resume: null });
    this.#answer(id);
    if (phase !== "wait") return;
    // It was woken for this alone. Who waits for a lock looks at it once more before it sleeps again.
    if (this.#workloads.get(id)!.kind === "lock") Object.assign(task, { phase: "spin", left: spinWindow });
    else this.host.block(id, `${id} has answered and sleeps on`);
  }

  /** Those that waited for it go on, if they wait for nobody else. */
  #answer(id: string): void {
    const task = this.#task(id);
    for (const asker of task.asked) {
      const waits = this.#task(asker);
      waits.awaits = waits.awaits.filter((other) => other !== id);
      if (waits.awaits.length > 0) continue;
      const { work } = this.#workload(asker, "shootdown");
      if (waits.resume?.phase === "spin") waits.resume = { phase: "work", left: work };
      else Object.assign(waits, { phase: "work", left: work });
      waits.figures.rounds++;
    }
    task.asked = [];
  }

  /** Plain JSON. */
  save(): unknown {
    return copy({ host: this.host.save(), state: this.#state });
  }

  restore(saved: unknown): void {
    const { host, state } = copy(saved) as { host: unknown; state: State };
    this.host.restore(host);
    this.#state = state;
  }
}
