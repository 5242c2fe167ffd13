import type { IToken } from "chevrotain";
import { ProgramAssembly, type Run } from "./assembly.ts";
import { BinaryFiles } from "./binary-files.ts";
import { Emission } from "./emit.ts";
import type { AssembleOptions, Assembly } from "./interface.ts";
import { type KeptLine, KeptLines } from "./kept-lines.ts";
import { measure, settle } from "./layout.ts";
import { Preprocessor, type Sink } from "./preprocess.ts";
import { ProblemList } from "./problems.ts";
import { Program } from "./program.ts";
import type { SourceLine } from "./source.ts";
import { finish, type Steps } from "./steps.ts";
import type { LineTree } from "./tree.ts";
import { reportUndefined } from "./undefined-symbols.ts";

/** A program read to its end once, every statement at a first guess of its place. */
interface Reading {
  readonly program: Program;
  readonly preprocessor: Preprocessor;
  readonly problems: ProblemList;
  /** An `%if` or `%assign` asked for an address, so another pass may read other lines. */
  readonly moving: boolean;
  readonly lines: KeptLine[];
}

/** Is told the lines that the preprocessor hands on; `begin` before each reading of the program. */
export interface LineListener {
  begin(): void;
  line(source: SourceLine, tokens: readonly IToken[] | undefined): void;
}

function* read(
  options: AssembleOptions,
  before: Program | undefined,
  files: BinaryFiles,
  keepsLines: boolean,
  listener: LineListener | undefined,
): Steps<Reading> {
  listener?.begin();
  const problems = new ProblemList();
  const program = new Program(problems, before, files, options.format ?? "bin");
  let moving = false;
  const sink: Sink = {
    line: (tree: LineTree, source: SourceLine, tokens?: readonly IToken[]) => {
      listener?.line(source, tokens);
      program.add(tree, source, measure);
    },
    ask: (expression, tree, source, what) => {
      const answer = program.ask(expression, tree, source, what);
      moving ||= answer.moving;
      return answer.value;
    },
    format: program.format,
    get bits() {
      return program.bits;
    },
    get floatMode() {
      return program.floatMode;
    },
  };
  const journal = new KeptLines(program);
  const { file, text, read: readFile, defines = {}, includePaths = [] } = options;
  const preprocessor = new Preprocessor(
    { main: { file, text }, read: readFile, defines, includePaths, ...(keepsLines && { journal }) },
    sink,
    problems,
  );
  yield* preprocessor.steps();
  return { program, preprocessor, problems, moving, lines: journal.list };
}

/** Assembles a program from its beginning to its end. */
export const run = (options: AssembleOptions, keepsLines = false, listener?: LineListener): Run =>
  finish(runSteps(options, keepsLines, listener));

/** The same in steps of some milliseconds. */
export function* runSteps(options: AssembleOptions, keepsLines: boolean, listener?: LineListener): Steps<Run> {
  const files = new BinaryFiles(options.readBytes, options.includePaths ?? []);
  let reading = yield* read(options, undefined, files, keepsLines, listener);
  const settled = yield* settle(reading.program, function* () {
    if (reading.moving) reading = yield* read(options, reading.program, files, keepsLines, listener);
    else reading.program.replace(measure);
    return reading.program;
  });
  const { program, preprocessor, problems } = reading;
  problems.phase = "symbols";
  problems.owner = undefined;
  reportUndefined(program.items, program, problems);
  const restless = settled ? undefined : program.changed;
  if (restless) {
    const message = "This never comes to rest: a size before it depends on its address.";
    problems.error("unstable-size", message, restless.source, restless.tree.label ?? restless.tree);
  }
  const emission = new Emission(program, problems);
  yield* emission.steps();
  const { lines, moving } = reading;
  return { options, program, preprocessor, problems, emission, lines, settled: settled && !moving };
}

/**
 * Assembles a program into a flat binary or an object file. Never throws on any text: what is wrong is in `problems`, and
 * everything that an editor may ask about (symbols, references, mentions) is there nevertheless.
 */
export const assemble = (options: AssembleOptions): Assembly => new ProgramAssembly(run(options));
