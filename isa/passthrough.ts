/** Ports whose accesses do not leave the guest: 80h, where software writes to wait a microsecond. */
export const passthroughPorts: readonly number[] = [0x80];
/** MSRs the guest uses without exits: they do nothing but hold the guest's own values. */
export const passthroughMsrs: readonly number[] = [
  0x174, 0x175, 0x176, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102,
];
