import { parseTokens } from "./line.ts";
import { plainMacro, spaced } from "./macro.ts";
import { parametersOf } from "./macro-parameters.ts";
import type { Preprocessor } from "./preprocess.ts";
import type { SourceLine } from "./source.ts";
import { tokenize } from "./tokens.ts";

/** A package of `%use`. */
interface Package {
  readonly name: string;
  readonly use: (p: Preprocessor, source: SourceLine) => void;
}

/** Macros without parameters, in any letter case or in this. */
function words(names: Readonly<Record<string, string>>, anyCase: boolean): Package["use"] {
  return (p) => {
    for (const [name, body] of Object.entries(names))
      p.macros.define(plainMacro(name, spaced(tokenize(body)), { anyCase }));
  };
}

/** Macros with the one parameter x. */
function functions(names: Readonly<Record<string, string>>, anyCase: boolean): Package["use"] {
  const list = parametersOf(tokenize("x"));
  return (p) => {
    for (const [name, body] of Object.entries(names))
      if (typeof list !== "string")
        p.macros.define({ ...plainMacro(name, spaced(tokenize(body)), { anyCase }), ...list });
  };
}

const general = "ax cx dx bx sp bp si di".split(" ");
const lowBytes = "al cl dl bl spl bpl sil dil".split(" ");
const highBytes = "ah ch dh bh".split(" ");

/** Numbers for the registers that have names. */
const registerNumbers: Readonly<Record<string, string>> = Object.fromEntries([
  ...general.flatMap((name, n) => [
    [`r${n}`, `r${name}`],
    [`r${n}d`, `e${name}`],
    [`r${n}w`, name],
    [`r${n}b`, lowBytes[n]!],
    [`r${n}l`, lowBytes[n]!],
  ]),
  ...highBytes.map((name, n) => [`r${n}h`, name]),
  ...Array.from({ length: 8 }, (_, n) => [`r${n + 8}l`, `r${n + 8}b`]),
]);

const logarithms: Readonly<Record<string, string>> = {
  ilog2: "(__?ilog2e?__(x))",
  ilog2e: "(__?ilog2e?__(x))",
  ilog2w: "(__?ilog2w?__(x))",
  ilog2fw: "(__?ilog2w?__(x))",
  ilog2f: "(__?ilog2f?__(x))",
  ilog2cw: "(__?ilog2w?__(x) * 0 + __?ilog2c?__(x))",
  ilog2c: "(__?ilog2c?__(x))",
};

const floatFormats = "float8 float16 bfloat16 float32 float64 float80m float80e float128l float128h".split(" ");
const floatFunctions = Object.fromEntries(floatFormats.map((name) => [name, `__?${name}?__(x)`]));
const specialNumbers = { Inf: "__?Infinity?__", NaN: "__?QNaN?__", QNaN: "__?QNaN?__", SNaN: "__?SNaN?__" };

/** `align` itself does what `alignmode` says; here is only the word. */
function smartAlign(p: Preprocessor, source: SourceLine): void {
  const body = [{ file: source.file, place: source.place, text: "[alignmode %1, %2]", joints: undefined }];
  p.multi.define({
    name: "alignmode",
    anyCase: true,
    least: 1,
    most: 2,
    greedy: false,
    defaults: [],
    body,
    takesLabel: false,
    recursive: false,
    range: undefined,
  });
  p.sink.line(parseTokens(tokenize("[alignmode generic]")), source);
}

const list: readonly Package[] = [
  { name: "altreg", use: words(registerNumbers, true) },
  { name: "ifunc", use: functions(logarithms, true) },
  {
    name: "fp",
    use: (p, source) => {
      words(specialNumbers, false)(p, source);
      functions(floatFunctions, false)(p, source);
    },
  },
  { name: "smartalign", use: smartAlign },
];

export const packages: ReadonlyMap<string, Package> = new Map(list.map((one) => [one.name, one]));

/** Packages of nasm that are not for this assembler, and why. */
export const refusedPackages: ReadonlyMap<string, string> = new Map([
  ["masm", "The package “masm” is not supported: Ringside reads the language of nasm only."],
]);

export const findPackage = (name: string): Package | undefined => packages.get(name.toLowerCase());
