/** The local APIC's timer (SDM Vol. 3, 11.5.4), as a function of virtual time. Its input clock is one cycle. */
import type { Clock } from "../device.ts";

export const timerMode = { oneShot: 0, periodic: 1, deadline: 2 } as const;

interface TimerState {
  mode: number;
  divide: number;
  /** Initial count; 0: stopped. */
  initial: number;
  /** Cycle at which the count began. */
  start: number;
  /** Expirations of this count that have been delivered. */
  expired: number;
  /** In TSC-deadline mode: the cycle at which it fires; 0: disarmed. */
  deadline: number;
}

const stopped = (): TimerState => ({ mode: 0, divide: 2, initial: 0, start: 0, expired: 0, deadline: 0 });

/** Divisors by divide configuration register bits 3, 1, 0. */
const divisors = [2, 4, 8, 16, 32, 64, 128, 1] as const;
export const divisorOf = (register: number): number => divisors[(register & 3) | ((register >> 1) & 4)]!;

export class ApicTimer {
  #state = stopped();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  reset(): void {
    this.#state = stopped();
  }

  /** The LVT's mode bits 18:17. A change between deadline and count modes disarms. */
  setMode(mode: number): void {
    if (mode === this.#state.mode) return;
    const wasDeadline = this.#state.mode === timerMode.deadline;
    if (wasDeadline !== (mode === timerMode.deadline)) Object.assign(this.#state, { initial: 0, deadline: 0 });
    this.#state.mode = mode;
  }

  setDivisor(divide: number): void {
    const count = this.current;
    Object.assign(this.#state, { divide });
    // The count goes on from where it is, at the new rate.
    if (this.#state.initial > 0) this.#state.start = this.#clock() - (this.#state.initial - count) * divide;
  }

  setInitial(initial: number): void {
    if (this.#state.mode === timerMode.deadline) return;
    Object.assign(this.#state, { initial, start: this.#clock(), expired: 0 });
  }

  get initial(): number {
    return this.#state.initial;
  }

  get #elapsed(): number {
    return Math.floor((this.#clock() - this.#state.start) / this.#state.divide);
  }

  get current(): number {
    const { initial, mode } = this.#state;
    if (initial === 0 || mode === timerMode.deadline) return 0;
    const elapsed = this.#elapsed;
    if (mode === timerMode.periodic) return initial - (elapsed % initial);
    return Math.max(0, initial - elapsed);
  }

  /** IA32_TSC_DEADLINE in cycles; 0 disarms. Ignored in other modes. */
  setDeadline(cycle: number): void {
    if (this.#state.mode === timerMode.deadline) this.#state.deadline = cycle;
  }

  get deadline(): number {
    return this.#state.deadline;
  }

  /** Cycle of the next expiration; undefined while it is stopped. */
  nextDeadline(): number | undefined {
    const { mode, initial, start, divide, expired, deadline } = this.#state;
    if (mode === timerMode.deadline) return deadline === 0 ? undefined : deadline;
    if (initial === 0 || (mode === timerMode.oneShot && expired > 0)) return undefined;
    return start + (expired + 1) * initial * divide;
  }

  /** True if it has expired since the last call. */
  expire(): boolean {
    const next = this.nextDeadline();
    if (next === undefined || next > this.#clock()) return false;
    const state = this.#state;
    if (state.mode === timerMode.deadline) state.deadline = 0;
    else if (state.mode === timerMode.oneShot) state.expired = 1;
    else state.expired = Math.floor(this.#elapsed / state.initial);
    return true;
  }

  save = (): TimerState => ({ ...this.#state });
  restore(state: TimerState): void {
    this.#state = { ...state };
  }
}
