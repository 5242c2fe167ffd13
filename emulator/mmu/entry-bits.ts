/** Bits of a paging-structure entry's low half (SDM Vol. 3, tables 5-4 to 5-20). */
export const P = 1;
export const RW = 2;
export const US = 4;
export const A = 0x20;
export const D = 0x40;
export const PS = 0x80;
export const G = 0x100;
