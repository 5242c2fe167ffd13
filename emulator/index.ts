/** The emulator's public face: what debugger, command line and tests make and drive. */

export { costProfiles, defaultCosts } from "../isa/costs.ts";
export { compareUnder, type Tally, type TechniqueRun, type Totals } from "./compare/comparison.ts";
export { configurationProblem, mostMemory } from "./configuration/configuration.ts";
export type { MachineConfiguration } from "./configuration/machine-configuration.ts";
export { createMachine, Machine } from "./machine.ts";
export type { MachineInterface, RegisterGroup, Stop } from "./machine-interface.ts";
export type { EventBody, EventKind, MachineEvent, Outlook } from "./trace/event.ts";
export { type Ending, follow, limitText } from "./trace/follow.ts";
export type { TranslatedUnit } from "./vmm/translation/view.ts";
