import type { Caller } from "./caller.ts";
import type { Functions, Service } from "./environment.ts";

const lineStatus = 0x3fd;
const dataPort = 0x3f8;
const timeout = 0x80;
const received = 1;

const statusOf = (inPort: (port: number) => number): number => (inPort(lineStatus) << 8) | inPort(0x3fe);

/** INT 14h for COM1 by AH; other ports time out. */
const functions: Functions = {
  [0x00]: (caller, { inPort, outPort }) => {
    const divisors = [1047, 768, 384, 192, 96, 48, 24, 12];
    const divisor = divisors[caller.al >>> 5]!;
    outPort(0x3fb, 0x80 | (caller.al & 0x1f));
    outPort(dataPort, divisor & 0xff);
    outPort(0x3f9, divisor >>> 8);
    outPort(0x3fb, caller.al & 0x1f);
    caller.ax = statusOf(inPort);
    return undefined;
  },
  [0x01]: (caller, { inPort, outPort }) => {
    outPort(dataPort, caller.al);
    caller.ah = inPort(lineStatus);
    return undefined;
  },
  [0x02]: (caller, { inPort }) => {
    const status = inPort(lineStatus);
    if (status & received) caller.al = inPort(dataPort);
    caller.ah = status & received ? status & 0x1e : timeout;
    return undefined;
  },
  [0x03]: (caller, { inPort }) => {
    caller.ax = statusOf(inPort);
    return undefined;
  },
};

const refused = (caller: Caller): undefined => {
  caller.ah = timeout;
};

export const serialService: Service = (caller, environment) =>
  caller.dx === 0 && functions[caller.ah] ? functions[caller.ah]!(caller, environment) : refused(caller);

/** INT 17h: there is no printer. */
export const printerService: Service = refused;
