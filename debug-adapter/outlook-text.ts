import type { Outlook } from "../emulator/index.ts";

const outcomes: Readonly<Record<Outlook["outcome"], string>> = {
  runs: "runs",
  leaves: "leaves the guest",
  faults: "faults",
};

/** "hlt: leaves the guest. HLT leaves the guest, so that … [primary … bit 7: HLT exiting = 1]" */
export const outlookText = ({ outcome, what, why }: Outlook): string =>
  `${what}: ${outcomes[outcome]}. ${why.sentence} [${why.rule}]`;
