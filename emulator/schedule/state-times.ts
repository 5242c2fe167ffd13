/** Something that is in one state at a time, and how long it has been in each. Plain JSON. */
export interface Timed<S extends string> {
  state: S;
  /** When it came to be in it. */
  since: number;
  /** Time in each state, up to `since`. */
  readonly times: Record<S, number>;
}

export const newTimed = <S extends string>(states: readonly S[], state: S, now: number): Timed<S> => ({
  state,
  since: now,
  times: Object.fromEntries(states.map((one) => [one, 0])) as Record<S, number>,
});

/** It is in this state from now on. False if it was already. */
export function enter<S extends string>(timed: Timed<S>, state: S, now: number): boolean {
  timed.times[timed.state] += now - timed.since;
  timed.since = now;
  const changed = timed.state !== state;
  timed.state = state;
  return changed;
}

/** Time in each state up to now. */
export const timesUntil = <S extends string>({ times, state, since }: Timed<S>, now: number): Record<S, number> => ({
  ...times,
  [state]: times[state] + now - since,
});
