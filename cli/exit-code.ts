/** What the process ends with. */
export const exitCode = {
  ok: 0,
  /** The source has errors. */
  problems: 1,
  /** The command cannot be carried out as given: unknown option, missing file, technique not built yet. */
  usage: 2,
  /** The guest ended badly: triple fault, failed VM entry, ran off its code, something unsupported. */
  guest: 3,
  /** The limit of steps was reached and the guest was still running. */
  limit: 4,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The command cannot be carried out as given; the message says why and what to do. */
export class UsageError extends Error {}
