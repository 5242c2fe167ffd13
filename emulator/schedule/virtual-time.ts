/** Time as a scheduler counts it for a vCPU of some weight, in whole microseconds, and what the last division left over. */
export interface VirtualTime {
  value: number;
  residue: number;
}

/** The weight at which virtual time goes as fast as time. */
export const normalWeight = 256;

/** Lets `time * scale / weight` pass: exactly so in the long run, in however many parts. */
export function pass(virtual: VirtualTime, time: number, { scale, weight }: { scale: number; weight: number }): void {
  const owed = time * scale + virtual.residue;
  virtual.value += Math.floor(owed / weight);
  virtual.residue = owed % weight;
}
