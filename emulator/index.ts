/** The emulator's public face: what debugger, command line and tests make and drive. */
export { configurationProblem, createMachine, Machine } from "./machine.ts";
export type {
  AddressSpace,
  MachineConfiguration,
  MachineInterface,
  RegisterGroup,
  RegisterView,
  RunOptions,
  StartMode,
  Stop,
} from "./machine-interface.ts";
export { type CostProfile, costProfiles, defaultCosts } from "./time/costs.ts";
export type { EventBody, EventKind, Field, MachineEvent, Stamp, StopReason, WalkStep, Why } from "./trace/event.ts";
