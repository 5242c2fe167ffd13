import { cyclesPerTimerClock } from "../time/costs.ts";
import type { Clock, Device, Line, Region } from "./device.ts";
import type { TimerView } from "./device-view.ts";
import { type Counter, countAt, counterMode, load, nextEdge, outputAt, setGate } from "./pit-counter.ts";

interface Channel extends Counter {
  /** Control word bits 5:4: 1 low byte, 2 high byte, 3 low then high. */
  access: number;
  /** Low byte of a count whose high byte is still to come. */
  lowByte: number | null;
  /** The next read gives the high byte. */
  readHigh: boolean;
  /** Bytes kept by the counter latch or read-back command, low first. */
  latched: number[];
  status: number | null;
  /** No count has been written since the control word. */
  nullCount: boolean;
}

/** Before its first control word a channel's output is high, so that programming it makes no interrupt by itself. */
const newChannel = (gate: boolean): Channel => ({
  mode: 3,
  bcd: false,
  count: 0,
  next: null,
  nextAt: 0,
  start: 0,
  gate,
  frozen: null,
  access: 3,
  lowByte: null,
  readHigh: false,
  latched: [],
  status: null,
  nullCount: true,
});

const digits = [1000, 100, 10, 1];
const fromBcd = (v: number): number => digits.reduce((sum, d, n) => sum + d * ((v >>> (12 - 4 * n)) & 15), 0);
const toBcd = (v: number): number => digits.reduce((sum, d) => sum * 16 + (Math.floor(v / d) % 10), 0);

function readable(channel: Channel, now: number): number {
  const value = countAt(channel, now);
  return channel.bcd ? toBcd(value) : value;
}

function writeCount(channel: Channel, value: number, now: number): void {
  const written = (count: number) => {
    const binary = channel.bcd ? fromBcd(count) : count;
    load(channel, binary || (channel.bcd ? 10000 : 65536), now);
    channel.nullCount = false;
  };
  if (channel.access === 1) written(value);
  else if (channel.access === 2) written(value << 8);
  else if (channel.lowByte !== null) {
    const low = channel.lowByte;
    channel.lowByte = null;
    written(low | (value << 8));
  } else {
    channel.lowByte = value;
    // In mode 0 the first byte of a two-byte count stops the counting.
    if (channel.mode === 0) channel.count = 0;
  }
}

function readCount(channel: Channel, now: number): number {
  const kept = channel.status ?? channel.latched.shift();
  if (channel.status !== null) channel.status = null;
  if (kept !== undefined) return kept;
  const value = readable(channel, now);
  if (channel.access !== 3) return channel.access === 1 ? value & 0xff : value >>> 8;
  channel.readHigh = !channel.readHigh;
  return channel.readHigh ? value & 0xff : value >>> 8;
}

function latchCount(channel: Channel, now: number): void {
  if (channel.latched.length) return;
  const value = readable(channel, now);
  if (channel.access & 1) channel.latched.push(value & 0xff);
  if (channel.access & 2) channel.latched.push(value >>> 8);
}

function latchStatus(channel: Channel, now: number): void {
  const output = outputAt(channel, now) ? 0x80 : 0;
  const nullCount = channel.nullCount || channel.next !== null ? 0x40 : 0;
  channel.status ??= output | nullCount | (channel.access << 4) | (channel.mode << 1) | (channel.bcd ? 1 : 0);
}

function readBack(channels: readonly Channel[], value: number, now: number): void {
  for (const [n, channel] of channels.entries()) {
    if (!(value & (2 << n))) continue;
    if (!(value & 0x20)) latchCount(channel, now);
    if (!(value & 0x10)) latchStatus(channel, now);
  }
}

function control(channels: readonly Channel[], value: number, now: number): void {
  const channel = channels[value >>> 6];
  if (!channel) {
    readBack(channels, value, now);
    return;
  }
  const access = (value >>> 4) & 3;
  if (access === 0) {
    latchCount(channel, now);
    return;
  }
  const mode = counterMode((value >>> 1) & 7);
  Object.assign(channel, newChannel(channel.gate), { mode, access, bcd: (value & 1) !== 0 });
}

const copyOf = (channels: readonly Channel[]): Channel[] => channels.map((c) => ({ ...c, latched: [...c.latched] }));

/** Port 61h: bit 0 gate of channel 2, bit 1 speaker, bit 4 toggles with memory refresh, bit 5 output of channel 2. */
function speakerPort(channel: Channel, speaker: { enabled: boolean }, now: () => number): Region {
  return {
    space: "port",
    base: 0x61,
    length: 1,
    read() {
      const refresh = (now() >> 4) & 1 ? 0x10 : 0;
      const output = outputAt(channel, now()) ? 0x20 : 0;
      return (channel.gate ? 1 : 0) | (speaker.enabled ? 2 : 0) | refresh | output;
    },
    write(_offset, value) {
      speaker.enabled = (value & 2) !== 0;
      setGate(channel, (value & 1) !== 0, now());
    },
  };
}

const modeNames = [
  "interrupt on terminal count",
  "one-shot",
  "rate generator",
  "square wave",
  "software strobe",
  "hardware strobe",
] as const;

/** @param n number of the channel */
function channelView(kept: Channel, n: number, now: number): TimerView {
  // Working out a count takes over one that waits: of a copy, so that nothing changes.
  const channel = { ...kept };
  const count = readable(channel, now);
  const states = [
    `mode ${channel.mode}, ${modeNames[channel.mode]!}`,
    channel.bcd && "BCD",
    ...(channel.nullCount
      ? ["no count yet"]
      : [`gate ${channel.gate ? "high" : "low"}`, `output ${outputAt(channel, now) ? "high" : "low"}`]),
  ];
  const edge = nextEdge(channel, now);
  return {
    name: `PIT ${n}${["", " (refresh)", " (speaker)"][n]!}`,
    text: states.filter(Boolean).join(", "),
    count: channel.nullCount ? 0 : count,
    initial: channel.count,
    next: edge === undefined ? undefined : edge * cyclesPerTimerClock,
  };
}

/**
 * The 8254 interval timer at ports 40h–43h with its part of port 61h. Channel 0 drives an interrupt line. Counts are
 * functions of virtual time; nothing is counted clock by clock.
 */
export function createPit(clock: Clock, irq0: Line): Device {
  const channels = [newChannel(true), newChannel(true), newChannel(false)];
  const [timer, , sound] = channels as [Channel, Channel, Channel];
  const speaker = { enabled: false };
  let level = true;
  let updatedAt = 0;
  irq0(level);
  const now = () => Math.floor(clock() / cyclesPerTimerClock);
  const drive = (output: boolean) => {
    if (output !== level) irq0(output);
    level = output;
  };
  /** Plays the edges since the last call; where time jumped over several, the last one and its opposite. */
  const update = () => {
    const edge = nextEdge(timer, updatedAt);
    const output = outputAt(timer, now());
    if (edge !== undefined && edge <= now()) drive(!output);
    drive(output);
    updatedAt = now();
  };
  const counters: Region = {
    space: "port",
    base: 0x40,
    length: 4,
    read: (offset) => (offset === 3 ? 0xff : readCount(channels[offset]!, now())),
    write(offset, value) {
      update();
      if (offset === 3) control(channels, value, now());
      else writeCount(channels[offset]!, value, now());
      drive(outputAt(timer, now()));
    },
  };
  return {
    name: "PIT",
    irq: 0,
    regions: [counters, speakerPort(sound, speaker, now)],
    timing: {
      nextDeadline() {
        const edge = nextEdge(timer, updatedAt);
        return edge === undefined ? undefined : edge * cyclesPerTimerClock;
      },
      tick: update,
    },
    inspect: () => ({
      name: "8254 timer",
      registers: [
        {
          name: "port 61h",
          value: (sound.gate ? 1 : 0) | (speaker.enabled ? 2 : 0),
          bits: 2,
          text: speaker.enabled && sound.gate ? "speaker on" : "",
        },
      ],
      timers: channels.map((channel, n) => channelView(channel, n, now())),
    }),
    save: () => ({ channels: copyOf(channels), speaker: speaker.enabled, level, updatedAt }),
    restore(state) {
      const saved = state as { channels: Channel[]; speaker: boolean; level: boolean; updatedAt: number };
      for (const [n, copy] of copyOf(saved.channels).entries()) Object.assign(channels[n]!, copy);
      speaker.enabled = saved.speaker;
      level = saved.level;
      updatedAt = saved.updatedAt;
    },
  };
}
