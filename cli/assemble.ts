import { basename, extname } from "node:path";
import { type AssembleOptions, assemble, type OutputFormat } from "../assembler/index.ts";
import { listing } from "../assembler/listing.ts";
import type { Arguments, Command } from "./command.ts";
import { exitCode, UsageError } from "./exit-code.ts";
import { type Io, readText, requireText } from "./io.ts";
import { jsonText, problemJson, problemText } from "./problem-text.ts";
import { jsonOption } from "./source-options.ts";
import { symbolList } from "./symbol-list.ts";

const formats: readonly OutputFormat[] = ["bin", "elf32", "elf64"];

/** nasm's -f bin names the output after the source, without its extension; an object file gets the extension .o. */
function outputName(args: Arguments, format: OutputFormat): string {
  const given = args.text("output");
  if (given !== undefined) return given;
  const name = basename(args.file);
  const stem = name.slice(0, name.length - extname(name).length);
  if (format !== "bin") return `${args.file.slice(0, args.file.length - extname(name).length)}.o`;
  return stem === name ? "nasm.out" : args.file.slice(0, args.file.length - extname(name).length);
}

/** `-D NAME` or `-D NAME=VALUE`. */
function definesOf(args: Arguments): Record<string, string> {
  return Object.fromEntries(
    args.texts("define").map((text) => {
      const [, name, , value = ""] = /^([A-Za-z_?.@][\w?.@$#~]*)(=(.*))?$/.exec(text) ?? [];
      if (name === undefined) throw new UsageError(`-D needs NAME or NAME=VALUE, not “${text}”.`);
      return [name, value];
    }),
  );
}

/** As nasm does: files are looked for in the current folder, then in those of -I. */
function optionsOf(args: Arguments, io: Io, texts: Map<string, string>): AssembleOptions {
  const read = (path: string) => {
    const text = texts.get(path) ?? readText(io, path);
    if (typeof text !== "string") return text;
    texts.set(path, text);
    return { file: path, text };
  };
  const text = requireText(io, args.file);
  texts.set(args.file, text);
  const readBytes = (path: string) => {
    const bytes = io.readBytes(path);
    return bytes instanceof Uint8Array ? { file: path, bytes } : bytes;
  };
  const includePaths = args.texts("include");
  return { file: args.file, text, read, readBytes, defines: definesOf(args), includePaths };
}

export const assembleCommand: Command = {
  name: "assemble",
  summary: "Assembles a program into a flat binary or an ELF object file, byte for byte as nasm does.",
  details: `-f, -o, -I, -D, -O and -l mean what they mean to nasm. Problems go to standard error. Exits with 0, or with 1 if the
source has errors; then nothing is written.`,
  options: {
    format: { short: "f", value: "FORMAT", doc: `output format: ${formats.join(", ")} (default bin)` },
    output: { short: "o", value: "FILE", doc: "output file (default: the source's name without its extension)" },
    include: { short: "I", value: "DIR", multiple: true, doc: "also look for %include files in DIR" },
    define: { short: "D", value: "NAME[=VALUE]", multiple: true, doc: "define a single-line macro" },
    optimization: { short: "O", value: "LEVEL", doc: "how sizes are chosen: x, the smallest, is the only level" },
    symbols: { value: "FILE", doc: "write the labels and constants: value, kind, name, place" },
    listing: { short: "l", value: "FILE", doc: "write a listing: line, address, bytes, source" },
    json: jsonOption,
    help: { doc: "print this" },
  },
  run(args, io) {
    const name = args.text("format") ?? "bin";
    const format = formats.find((known) => known === name);
    if (!format) throw new UsageError(`The output format “${name}” is not supported; ${formats.join(", ")} are.`);
    const level = args.text("optimization") ?? "x";
    if (level !== "x") throw new UsageError(`-O${level} is not supported: sizes are always chosen as with nasm's -Ox.`);
    const texts = new Map<string, string>();
    const assembly = assemble({ ...optionsOf(args, io, texts), format });
    const { problems, bytes, origin } = assembly;
    const failed = problems.some(({ severity }) => severity === "error");
    const output = outputName(args, format);
    if (!failed) {
      io.writeBytes(output, bytes);
      const symbols = args.text("symbols");
      if (symbols !== undefined) io.writeBytes(symbols, new TextEncoder().encode(symbolList(assembly)));
      const list = args.text("listing");
      if (list !== undefined) io.writeBytes(list, new TextEncoder().encode(listing(args.file, assembly, texts)));
    }
    if (args.flag("json")) {
      const written = failed ? {} : { output, origin, size: bytes.length };
      io.out(jsonText({ file: args.file, ...written, problems: problems.map(problemJson) }));
    } else for (const problem of problems) io.error(problemText(problem));
    return failed ? exitCode.problems : exitCode.ok;
  },
};
