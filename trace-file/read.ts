import { check, type FieldProblem, join } from "../emulator/machine-file/check.ts";
import type { Intervention } from "../emulator/time/intervention.ts";
import { decompressed, isGzip } from "./gzip.ts";
import { traceSchema } from "./schema.ts";
import type { Trace } from "./trace.ts";
import { type Blob, bytesOf, unpacked } from "./values.ts";
import { format, version } from "./write.ts";

/** The trace, or what is wrong with the file: sentences that name the field. */
export type ReadTrace = { readonly trace: Trace } | { readonly problems: readonly string[] };

interface Decoder {
  readonly TextDecoder: new (label: string, options: { readonly fatal: true }) => { decode(bytes: Uint8Array): string };
}
const { TextDecoder } = globalThis as unknown as Decoder;

/** Bytes that a file may have once decompressed: no text can hold more. */
const mostBytes = 480 * 2 ** 20;
/** Problems told of one file. */
const mostProblems = 10;

const refused = (problem: string): ReadTrace => ({ problems: [problem] });

/** The JSON of a file, or a sentence. */
async function jsonOf(file: Uint8Array): Promise<{ readonly value: unknown } | string> {
  try {
    const bytes = isGzip(file) ? await decompressed(file, mostBytes) : file;
    if (!bytes) return `The file holds more than ${mostBytes / 2 ** 20} MiB, which no trace has.`;
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch (error) {
    if (error instanceof SyntaxError) return `This is no trace: it is not JSON (${error.message}).`;
    if (error instanceof TypeError)
      return `This is no trace, or it was damaged on its way: it cannot be read as text (${error.message}).`;
    throw error;
  }
}

/** Whether it says that it is a trace of a version known here; else a sentence. */
function foreign(value: unknown): string | undefined {
  const said = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (said["format"] !== format) return `This is no trace of Ringside: "format" is not "${format}".`;
  const found = said["version"];
  if (typeof found === "number" && found > version)
    return `This trace has version ${found} of the format; this Ringside (which reads up to version ${version}) is too old for it. Update Ringside.`;
  return found === version ? undefined : `"version" must be ${version}; it is ${JSON.stringify(found)}.`;
}

type Type = "string" | "bigint" | "bytes" | "object";

/** The fields of each kind of action. */
const fieldsOf: { readonly [K in Intervention["kind"]]: Readonly<Record<string, Type>> } = {
  input: { text: "string" },
  press: { text: "string" },
  "set-register": { name: "string", value: "bigint" },
  "set-field": { block: "string", field: "string", value: "bigint" },
  "write-memory": { space: "string", address: "bigint", bytes: "bytes" },
  adjust: { vm: "string", adjustment: "object" },
  freeze: { only: "object" },
};

const nouns: Readonly<Record<Type, string>> = {
  string: "a text",
  object: "an object",
  bigint: 'a number, as { "$bigint": hexadecimal }',
  bytes: 'bytes, as { "$bytes": number of a blob }',
};

const typeOf = (value: unknown): string => (value instanceof Uint8Array ? "bytes" : typeof value);

/** What of an action cannot be done. */
function actionProblems(action: Trace["actions"][number], n: number): FieldProblem[] {
  const path = `actions[${n}].what`;
  const what = action.what as unknown as Readonly<Record<string, unknown>>;
  const { kind } = action.what;
  if (!Object.hasOwn(fieldsOf, kind)) {
    const known = Object.keys(fieldsOf).join(", ");
    return [{ path, message: `${join(path, "kind")} must be one of ${known}; it is ${JSON.stringify(kind)}.` }];
  }
  return Object.entries(fieldsOf[kind])
    .filter(([field, type]) => typeOf(what[field]) !== type)
    .map(([field, type]) => ({ path, message: `${join(path, field)} must be ${nouns[type]}.` }));
}

function programProblems({ program }: Trace): FieldProblem[] {
  if (!program) return [];
  const path = "program.files";
  const wrong = Object.entries(program.files).filter(([, bytes]) => !((bytes as unknown) instanceof Uint8Array));
  const problems = wrong.map(([name]) => ({ path, message: `${path}["${name}"] holds no bytes.` }));
  const { program: main } = program.arguments;
  if (typeof main === "string" && Object.hasOwn(program.files, main)) return problems;
  return [...problems, { path, message: 'program.arguments.program must name one of "program.files".' }];
}

function momentProblems({ actions, moment, summary }: Trace): FieldProblem[] {
  const late = actions.findIndex(({ step }, n) => step > moment.step || step < (actions[n - 1]?.step ?? 0));
  const early = summary.events.findIndex(({ sequence }, n, all) => sequence <= (all[n - 1]?.sequence ?? 0));
  return [
    ...(late < 0
      ? []
      : [{ path: "", message: `actions[${late}].step is not between the step before and the moment's.` }]),
    ...(early < 0 ? [] : [{ path: "", message: `summary.events[${early}].sequence is not above the one before.` }]),
  ];
}

/** Reads a trace file, compressed or as plain JSON. Never throws for what is in it. */
export async function readTrace(file: Uint8Array): Promise<ReadTrace> {
  const found = await jsonOf(file);
  if (typeof found === "string") return refused(found);
  const other = foreign(found.value);
  if (other) return refused(other);
  const wrong = check(found.value, traceSchema);
  if (wrong.length > 0) return { problems: wrong.slice(0, mostProblems).map(({ message }) => message) };
  const {
    format: _,
    version: __,
    blobs,
    ...body
  } = found.value as Trace & {
    format: string;
    version: number;
    blobs: readonly Blob[];
  };
  return opened(body, blobs);
}

function opened(body: object, blobs: readonly Blob[]): ReadTrace {
  const odd = blobs.findIndex((blob) => typeof ("text" in blob ? blob.text : blob.base64) !== "string");
  const bytes = odd < 0 ? bytesOf(blobs) : odd;
  if (typeof bytes === "number") return refused(`blobs[${bytes}] must be { "text": … } or { "base64": … }.`);
  let trace: Trace;
  try {
    trace = unpacked(body, bytes) as Trace;
  } catch (error) {
    if (error instanceof RangeError) return refused(`The trace is incomplete: ${error.message}.`);
    throw error;
  }
  const problems = [...trace.actions.flatMap(actionProblems), ...programProblems(trace), ...momentProblems(trace)];
  if (problems.length > 0) return { problems: problems.slice(0, mostProblems).map(({ message }) => message) };
  return { trace };
}
