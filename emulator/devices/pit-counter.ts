/**
 * One counting element of the 8254 as a function of time. Times are clocks of the timer since the machine started. A
 * written count is taken at once, not at the following clock as in the chip; otherwise modes 0–5 are the data sheet's.
 */
export interface Counter {
  /** 0 terminal count, 1 one-shot, 2 rate generator, 3 square wave, 4 software strobe, 5 hardware strobe. */
  mode: number;
  bcd: boolean;
  /** Count in force, 1–65536; 0 before one is written. */
  count: number;
  /** A count written meanwhile: taken at `nextAt` (modes 2 and 3) or at the next trigger (1 and 5). */
  next: number | null;
  nextAt: number;
  /** When the count began; -1 while modes 1 and 5 wait for their trigger. */
  start: number;
  gate: boolean;
  /** Clocks counted so far, while a low gate stops the counting. */
  frozen: number | null;
}

/** Mode bits of the control word: 6 and 7 are 2 and 3. */
export const counterMode = (bits: number): number => (bits > 5 ? bits - 4 : bits);

const periodic = (c: Counter): boolean => c.mode === 2 || c.mode === 3;
const triggered = (c: Counter): boolean => c.mode === 1 || c.mode === 5;

const highHalf = (count: number): number => Math.ceil(count / 2);

/** Takes over a waiting count whose time has come. */
function roll(c: Counter, now: number): void {
  if (c.next === null || !periodic(c) || now < c.nextAt) return;
  // Mode 3 reloads at each half: at the end of the high half the new count begins with its low half.
  const atHalf = c.mode === 3 && c.nextAt - c.start < c.count;
  c.start = atHalf ? c.nextAt - highHalf(c.next) : c.nextAt;
  c.count = c.next;
  c.next = null;
}

function elapsed(c: Counter, now: number): number {
  roll(c, now);
  return c.frozen ?? now - c.start;
}

/** The OUT pin. */
export function outputAt(c: Counter, now: number): boolean {
  const done = elapsed(c, now);
  if (c.mode === 0) return c.count !== 0 && done >= c.count;
  if (c.count === 0 || (triggered(c) && c.start < 0)) return true;
  if (c.mode === 1) return done >= c.count;
  if (!periodic(c)) return done !== c.count;
  if (!c.gate) return true;
  return c.mode === 2 ? done % c.count !== c.count - 1 : done % c.count < highHalf(c.count);
}

/** The value in the counting element, 0–65535 (0–9999 in BCD). */
export function countAt(c: Counter, now: number): number {
  const done = elapsed(c, now);
  const modulus = c.bcd ? 10000 : 65536;
  if (c.count === 0 || (triggered(c) && c.start < 0)) return c.count % modulus;
  if (!periodic(c)) return (((c.count - done) % modulus) + modulus) % modulus;
  const position = done % c.count;
  if (c.mode === 2) return (c.count - position) % modulus;
  // Mode 3 counts down by two, twice a period, from the count less its bit 0.
  const half = highHalf(c.count);
  return (c.count - (c.count & 1) - 2 * (position < half ? position : position - half)) % modulus;
}

/** When the OUT pin changes next, or undefined if it stays. */
export function nextEdge(c: Counter, now: number): number | undefined {
  const done = elapsed(c, now);
  if (c.count === 0 || c.frozen !== null || (triggered(c) && c.start < 0)) return undefined;
  if (!periodic(c)) {
    if (done < c.count) return c.start + c.count;
    return done === c.count && c.mode >= 4 ? now + 1 : undefined;
  }
  if (!c.gate || c.count < 2) return undefined;
  const position = done % c.count;
  const turn = c.mode === 2 ? c.count - 1 : highHalf(c.count);
  return now + (position < turn ? turn : c.count) - position;
}

/** Gives the counter a new count, 1–65536. */
export function load(c: Counter, count: number, now: number): void {
  if (c.count && triggered(c) && c.start >= 0) c.next = count;
  else if (c.count && periodic(c) && c.gate) {
    c.start += Math.floor(elapsed(c, now) / c.count) * c.count;
    const inHighHalf = c.mode === 3 && now - c.start < highHalf(c.count);
    c.nextAt = c.start + (inHighHalf ? highHalf(c.count) : c.count);
    c.next = count;
  } else {
    c.count = count;
    c.next = null;
    c.start = triggered(c) ? -1 : now;
    c.frozen = c.gate || triggered(c) ? null : 0;
  }
}

/** Sets the GATE pin: its rising edge triggers modes 1 and 5 and restarts 2 and 3; low, it stops 0, 2, 3 and 4. */
export function setGate(c: Counter, gate: boolean, now: number): void {
  if (gate === c.gate) return;
  const done = elapsed(c, now);
  c.gate = gate;
  if (!gate) {
    c.frozen = triggered(c) ? null : done;
    return;
  }
  c.frozen = null;
  if (!triggered(c) && !periodic(c)) {
    c.start = now - done;
    return;
  }
  c.count = c.next ?? c.count;
  c.next = null;
  c.start = now;
}
