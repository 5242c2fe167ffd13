import { type Device, type Region, stateless } from "./device.ts";

const port = (base: number, read: Region["read"], write: Region["write"], length = 1): Region => ({
  space: "port",
  base,
  length,
  read,
  write,
});

/** Ports E9h (Bochs) and 402h (SeaBIOS): every byte written appears on the console; reading tells that it is there. */
export const createDebugConsole = (send: (byte: number) => void): Device => ({
  ...stateless,
  name: "debug console",
  regions: [0xe9, 0x402].map((base) =>
    port(
      base,
      () => 0xe9,
      (_offset, value) => send(value),
    ),
  ),
});

/** Ports F4h and 501h, where QEMU's users put its debug-exit device: writing a code ends the machine. */
export const createDebugExit = (exit: (code: number, port: number) => void): Device => ({
  ...stateless,
  name: "debug exit",
  regions: [0xf4, 0x501].map((base) => ({
    ...port(
      base,
      () => 0xff,
      (_offset, value) => exit(value, base),
    ),
    // The rest of a wider write says nothing; the code is its first byte.
    wide: { read: () => 0xff, write: (_offset, _bytes, value) => exit(value & 0xff, base) },
  })),
});

/** Port 80h: keeps the last power-on self-test code. */
export function createPost(): Device {
  let code = 0;
  return {
    name: "POST",
    inert: true,
    regions: [
      port(
        0x80,
        () => code,
        (_offset, value) => {
          code = value;
        },
      ),
    ],
    save: () => code,
    restore(state) {
      code = state as number;
    },
  };
}
