/** Made from rom.asm by scripts/firmware.ts: do not edit. */

/** Bytes of the ROM in hexadecimal, by offset in the segment F000h; the rest is zeros. */
export const romPieces: readonly (readonly [offset: number, hexadecimal: string])[] = [
  [
    0x10,
    "0800fc01007400000000000000000000df022502121bff6cf60f08000000000000000000000000000000000000000000" +
      "e6a5cfe6a6cfe6a7cfe6a8cfe6a9cfe6accfe6afcffae6aa2e803e0000007404fbf4ebf1cffae6ab2e803e0000007404" +
      "fbf4ebf1cfcf50521eb840008ed866ff066c0066813e6c00b0001800720d66c7066c0000000000fe067000cd1cb020e6" +
      "201f5a58cf50e460b44ff9cd157302e6a4b020e62058cf50e6b42e803e0100007402cd4ab020e6a0e62058cf50b020e6" +
      "2058cf50b020e6a0e62058cf50b020e6a058cd0acf5030c0e6f0b020e6a0e62058cd02cfe6adfbf4ebfcfa31c08ed0bc" +
      "007ce6ae2e803e00000075e831c08ed88ec0fbea007c0000fa31c08ed0bc007ce6b5ebd6",
  ],
  [0xfff0, "ea180100f030312f30312f323600fc"],
];

/** Offsets of its labels. */
export const rom = {
  again: 0x0,
  alarm: 0x1,
  configuration: 0x10,
  diskette: 0x20,
  video: 0x40,
  equipment: 0x43,
  memory_size: 0x46,
  disk: 0x49,
  serial: 0x4c,
  printer: 0x4f,
  time: 0x52,
  system: 0x55,
  keys: 0x65,
  ignore: 0x75,
  timer: 0x76,
  keyboard: 0xa5,
  clock: 0xb7,
  first_controller: 0xcc,
  second_controller: 0xd3,
  redirected: 0xdc,
  coprocessor: 0xe5,
  no_disk: 0xf4,
  boot: 0xfa,
  post: 0x118,
  reset: 0xfff0,
} as const;
