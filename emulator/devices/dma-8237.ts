import type { Device, Region } from "./device.ts";
import type { DeviceRegister } from "./device-view.ts";

/** Guest-physical memory as a device reaches it, a byte at a time. */
export interface DeviceMemory {
  read(physical: number): number;
  write(physical: number, value: number): void;
}

interface Channel {
  /** Address and count (transfers minus 1) as programmed, and as they have moved on. */
  baseAddress: number;
  baseCount: number;
  address: number;
  count: number;
  /** Address bits 23:16. */
  page: number;
  mode: number;
  masked: boolean;
  /** Terminal count was reached since the status was last read. */
  done: boolean;
}

/** One 8237A: four channels. */
interface Controller {
  readonly channels: Channel[];
  /** The next byte of an address or a count is the high one. */
  flipFlop: boolean;
  command: number;
}

const channelsOf = (): Channel[] =>
  Array.from({ length: 4 }, () => ({
    ...{ baseAddress: 0, baseCount: 0, address: 0, count: 0, page: 0, mode: 0 },
    masked: true,
    done: false,
  }));
const initial = (): Controller => ({ channels: channelsOf(), flipFlop: false, command: 0 });

const copyOf = ({ channels, flipFlop, command }: Controller): Controller => ({
  channels: channels.map((channel) => ({ ...channel })),
  flipFlop,
  command,
});

/** Ports of the page registers by channel, 0–7; channel 4 joins the controllers and has none. */
const pagePorts: readonly (readonly [port: number, channel: number])[] = [
  [0x87, 0],
  [0x83, 1],
  [0x81, 2],
  [0x82, 3],
  [0x8b, 5],
  [0x89, 6],
  [0x8a, 7],
];
/** Mode register: bits 3:2 transfer, 4 autoinitialize, 5 addresses go down. */
const mode = { write: 4, read: 8, transfer: 0x0c, autoinitialize: 0x10, down: 0x20 } as const;
const disabled = 4;

/** What became of a transfer. */
export interface Moved {
  /** Bytes that the channel took or gave; none if it is masked or set the other way. */
  readonly bytes: Uint8Array;
  /** With the last of them terminal count was reached. */
  readonly terminal: boolean;
}

const nothing: Moved = { bytes: new Uint8Array(), terminal: false };

/** What a device asks of its channel. */
export interface DmaChannel {
  toMemory(bytes: Uint8Array): Moved;
  /** At most so many bytes. */
  fromMemory(most: number): Moved;
}

const transfers = ["verify", "to memory", "from memory", "reserved"] as const;

/** A channel as its address, with page, and how many transfers are left. */
function channelView({ address, page, count, mode: set, masked, done }: Channel, n: number): DeviceRegister {
  const kind = transfers[(set & mode.transfer) >> 2]!;
  const left = `${count + 1} left`;
  const states = [kind, left, set & mode.autoinitialize && "again and again", masked && "masked", done && "done"];
  return { name: `channel ${n}`, value: (page << 16) | address, bits: 24, text: states.filter(Boolean).join(", ") };
}

export interface Dma extends Device {
  /** A channel of the first controller, 0–3. */
  channel(number: number): DmaChannel;
}

function setMask({ channels }: Controller, bits: number): void {
  for (const [n, channel] of channels.entries()) channel.masked = (bits & (1 << n)) !== 0;
}

function writeControl(controller: Controller, register: number, value: number): void {
  const channel = controller.channels[value & 3]!;
  if (register === 8) controller.command = value;
  else if (register === 10) channel.masked = (value & 4) !== 0;
  else if (register === 11) channel.mode = value;
  else if (register === 12) controller.flipFlop = false;
  else if (register === 13) Object.assign(controller, { flipFlop: false, command: 0, channels: resetOf(controller) });
  else if (register === 14) setMask(controller, 0);
  else if (register === 15) setMask(controller, value);
}

/** Master clear: everything is masked, addresses stay. */
const resetOf = ({ channels }: Controller): Channel[] =>
  channels.map((channel) => ({ ...channel, masked: true, done: false }));

function readStatus({ channels }: Controller): number {
  let status = 0;
  for (const [n, channel] of channels.entries()) {
    if (channel.done) status |= 1 << n;
    channel.done = false;
  }
  return status;
}

/** Address (even registers) or count (odd ones) of channels 0–3, low byte first. */
function readChannel(controller: Controller, register: number): number {
  const channel = controller.channels[register >> 1]!;
  const value = register & 1 ? channel.count : channel.address;
  controller.flipFlop = !controller.flipFlop;
  return controller.flipFlop ? value & 0xff : value >>> 8;
}

function writeChannel(controller: Controller, register: number, value: number): void {
  const channel = controller.channels[register >> 1]!;
  const shift = controller.flipFlop ? 8 : 0;
  const put = (old: number) => (old & ~(0xff << shift)) | (value << shift);
  if (register & 1) channel.baseCount = channel.count = put(channel.baseCount);
  else channel.baseAddress = channel.address = put(channel.baseAddress);
  controller.flipFlop = !controller.flipFlop;
}

/** The registers of a controller, `1 << shift` ports apart. */
function registersOf(controller: Controller, base: number, shift: number): Region {
  return {
    space: "port",
    base,
    length: 16 << shift,
    read(offset) {
      const register = offset >> shift;
      if (register < 8) return readChannel(controller, register);
      return register === 8 ? readStatus(controller) : 0xff;
    },
    write(offset, value) {
      const register = offset >> shift;
      if (register < 8) writeChannel(controller, register, value);
      else writeControl(controller, register, value);
    },
  };
}

/** Moves on by a byte. False once terminal count is reached. */
function step(channel: Channel): boolean {
  channel.address = (channel.address + (channel.mode & mode.down ? -1 : 1)) & 0xffff;
  channel.count = (channel.count - 1) & 0xffff;
  if (channel.count !== 0xffff) return true;
  channel.done = true;
  if (channel.mode & mode.autoinitialize)
    Object.assign(channel, { address: channel.baseAddress, count: channel.baseCount });
  else channel.masked = true;
  return false;
}

/**
 * The two 8237A DMA controllers of a PC with their page registers, ports 00h–0Fh, C0h–DFh and 81h–8Bh. A transfer is done at once when
 * a device asks for it. Only channels 0–3 (bytes) are connected; memory-to-memory transfers are not done.
 */
export function createDma(memory: DeviceMemory): Dma {
  const controllers = [initial(), initial()] as const;
  const pages: Region[] = pagePorts.map(([port, number]) => {
    const channel = () => controllers[number >> 2]!.channels[number & 3]!;
    return {
      ...{ space: "port", base: port, length: 1, read: () => channel().page },
      write: (_offset, value) => {
        channel().page = value;
      },
    };
  });
  const ready = (channel: Channel, transfer: number): boolean =>
    !channel.masked && (channel.mode & mode.transfer) === transfer && (controllers[0].command & disabled) === 0;
  const place = ({ page, address }: Channel): number => (page << 16) | address;
  return {
    name: "DMA",
    regions: [registersOf(controllers[0], 0, 0), registersOf(controllers[1], 0xc0, 1), ...pages],
    channel(number) {
      const channel = () => controllers[0].channels[number]!;
      return {
        toMemory(bytes) {
          let moved = 0;
          let terminal = !ready(channel(), mode.write);
          if (terminal) return nothing;
          while (moved < bytes.length && !terminal) {
            memory.write(place(channel()), bytes[moved++]!);
            terminal = !step(channel());
          }
          return { bytes: bytes.subarray(0, moved), terminal };
        },
        fromMemory(most) {
          const bytes: number[] = [];
          let terminal = !ready(channel(), mode.read);
          if (terminal) return nothing;
          while (bytes.length < most && !terminal) {
            bytes.push(memory.read(place(channel())));
            terminal = !step(channel());
          }
          return { bytes: Uint8Array.from(bytes), terminal };
        },
      };
    },
    inspect: () => ({
      name: "8237A DMA controllers",
      registers: controllers.flatMap(({ channels }, n) =>
        channels.map((channel, k) => channelView(channel, 4 * n + k)),
      ),
    }),
    save: () => controllers.map(copyOf),
    restore(state) {
      for (const [n, saved] of (state as Controller[]).entries()) Object.assign(controllers[n]!, copyOf(saved));
    },
  };
}
