import type { DebugProtocol } from "@vscode/debugprotocol";
import { breakpointModes } from "./data-breakpoints.ts";

/** Ids of the event breakpoints that clients offer as exception filters. */
export const filters = { exits: "vm-exits", exceptions: "guest-exceptions", end: "guest-end" } as const;

const exceptionBreakpointFilters: DebugProtocol.ExceptionBreakpointsFilter[] = [
  {
    filter: filters.exits,
    label: "VM exits",
    description: "Stops when the guest exits to the VMM, before the VMM handles the exit.",
    default: false,
    supportsCondition: true,
    conditionDescription: "Exit reasons and an expression, for example: CPUID, IO_INSTRUCTION if al == 'x'",
  },
  {
    filter: filters.exceptions,
    label: "Guest exceptions",
    description: "Stops before an instruction that raises an exception in the guest.",
    default: false,
    supportsCondition: true,
    conditionDescription: "Exceptions by name or vector and an expression, for example: #PF, 6 if cr2 < 1000h",
  },
  {
    filter: filters.end,
    label: "End of the guest",
    description: "Stops when the guest cannot go on (halt, triple fault, …); otherwise the session ends.",
    default: true,
  },
];

/** What this adapter can do. Each entry has a test in `test/debug-adapter/capabilities.test.ts`. */
export const capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  breakpointModes,
  supportsBreakpointLocationsRequest: true,
  supportsExceptionInfoRequest: true,
  supportsExceptionFilterOptions: true,
  exceptionBreakpointFilters,
  supportsEvaluateForHovers: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: [".", "["],
  supportsClipboardContext: true,
  supportsValueFormattingOptions: true,
  supportsANSIStyling: true,
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsStepBack: true,
  supportsSteppingGranularity: true,
  supportsSingleThreadExecutionRequests: true,
  supportsGotoTargetsRequest: true,
  supportsRestartFrame: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  supportsCancelRequest: true,
  supportsDelayedStackTraceLoading: true,
  supportsStepInTargetsRequest: true,
  supportsModulesRequest: true,
  additionalModuleColumns: [{ attributeName: "technique", label: "Technique", type: "string" }],
  supportsLoadedSourcesRequest: true,
  supportedChecksumAlgorithms: ["SHA256"],
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsDisassembleRequest: true,
} as const satisfies DebugProtocol.Capabilities;

/**
 * What a client is told that this adapter can do. VS Code, told of delayed stacks, asks for the newest frame, and 420 ms later for the others.
 * At a VM exit the newest frames are the VMM's, which have no source: until it has the guest's, it shows neither line nor registers.
 * So it is to ask for all at once.
 */
export const capabilitiesFor = (clientID: string | undefined): DebugProtocol.Capabilities =>
  clientID === "vscode" ? { ...capabilities, supportsDelayedStackTraceLoading: false } : capabilities;
