/** An intercepted I/O instruction as EXITINFO1 tells it (APM Vol. 2, 15.10.2). */
export interface PortInformation {
  readonly port: number;
  readonly bytes: 1 | 2 | 4;
  readonly isIn: boolean;
  readonly string: boolean;
  readonly rep: boolean;
  readonly addressBits: 16 | 32 | 64;
  /** By number, ES 0 to GS 5; 0 where there is no string. */
  readonly segment: number;
}

/** EXITINFO1, by hand: exits by I/O are many. */
export const portInfo = (access: PortInformation): number =>
  ((access.isIn ? 1 : 0) |
    (access.string ? 4 : 0) |
    (access.rep ? 8 : 0) |
    (access.bytes << 4) |
    ((access.addressBits >> 4) << 7) |
    (access.segment << 10) |
    (access.port << 16)) >>>
  0;

export const portOfInfo = (info: number): PortInformation => ({
  port: info >>> 16,
  bytes: ((info >> 4) & 7) as 1 | 2 | 4,
  isIn: (info & 1) !== 0,
  string: (info & 4) !== 0,
  rep: (info & 8) !== 0,
  addressBits: (((info >> 7) & 7) << 4) as 16 | 32 | 64,
  segment: (info >> 10) & 7,
});
