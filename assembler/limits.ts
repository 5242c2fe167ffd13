/**
 * What a source may be at most. Beyond a limit there is a located problem, and the work ends in about a second; no one
 * writes such programs by hand. docs/assembler.md lists them.
 */
export const limits = {
  /** Characters of a file, and of a line with what macros put into it. */
  fileCharacters: 16 * 1024 * 1024,
  lineCharacters: 1_000_000,
  /** Lines of a program with all it includes. */
  lines: 500_000,
  includeDepth: 64,
  includes: 5_000,
  /** Brackets, question marks or signs in a row: they cost stack. */
  expressionDepth: 100,
  /** Tokens that a line may grow to, and single-line macros inside one another. */
  lineTokens: 20_000,
  macroDepth: 200,
  /** Multi-line macros and `%rep` blocks that are expanded inside one another. */
  expansionDepth: 300,
  /** Lines and characters that macros and `%rep` make, all together. */
  expandedLines: 300_000,
  expandedCharacters: 12_000_000,
  /** Bytes of a string that the preprocessor makes. */
  stringBytes: 100_000,
  contexts: 10_000,
  /** How often lines are read again that a block or conditional without end has swallowed. */
  recoveries: 20,
  /** Passes of the layout over a small program; a large one gets fewer, down to `leastPasses`. */
  passes: 1000,
  leastPasses: 200,
  /** Items that all passes place, together. */
  placings: 5_000_000,
  /** Repetitions of an instruction; and of all whose bytes are others each time, together, for each is measured by itself. */
  repetitions: 100_000,
  /** Bytes of a section or a flat binary, and of all data that is not zero: the largest program of a guest. */
  outputBytes: 64 * 1024 * 1024,
  /** Instructions and data items, of which each is an object that the debugger can ask about. */
  parts: 4_000_000,
  /** No one reads more problems than this; a binary file read as source would have millions. */
  problems: 1000,
} as const;
