import type { Device } from "./device.ts";

const stateless = { nextDeadline: () => undefined, tick: () => {}, save: () => null, restore: () => {} };

/** Port E9h: every byte written appears on the console; reading gives E9h, so that a guest can tell it is there. */
export const createDebugConsole = (send: (byte: number) => void): Device => ({
  ...stateless,
  name: "debug console",
  regions: [{ space: "port", base: 0xe9, length: 1, read: () => 0xe9, write: (_offset, value) => send(value) }],
});

/** Port F4h: writing a code ends the machine. */
export const createDebugExit = (exit: (code: number) => void): Device => ({
  ...stateless,
  name: "debug exit",
  regions: [{ space: "port", base: 0xf4, length: 1, read: () => 0xff, write: (_offset, value) => exit(value) }],
});

/** Port 80h: keeps the last power-on self-test code. */
export function createPost(): Device {
  let code = 0;
  return {
    ...stateless,
    name: "POST",
    regions: [
      {
        space: "port",
        base: 0x80,
        length: 1,
        read: () => code,
        write(_offset, value) {
          code = value;
        },
      },
    ],
    save: () => code,
    restore(state) {
      code = state as number;
    },
  };
}
