/** Red is left for what goes wrong. */
const colours = ["blue", "orange", "green", "purple", "yellow"] as const;

/** One colour for each VM, the same in every view: by the order in which the machine has them. After five they begin again. */
export const vmColour = (n: number): (typeof colours)[number] => colours[n % colours.length]!;
