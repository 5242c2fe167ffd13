import { pick, type Random, seeded } from "./random.ts";

/** A sequence of choices that is the same in every run. */
export class Dice {
  readonly below: Random;

  constructor(seed: number) {
    this.below = seeded(seed);
  }
  pick<T>(list: readonly T[]): T {
    return pick(list, this.below);
  }
  list<T>(count: number, make: (n: number) => T): T[] {
    return Array.from({ length: count }, (_, n) => make(n));
  }
}

const words = (text: string) => text.split(" ");

function sections(dice: Dice): string {
  const names = words(".text .data .bss .a .b .c");
  const wish = () =>
    dice.pick([
      ...words("align=1 align=2 align=16 align=64 valign=8 valign=32 vstart=0x100 vstart=0x1000 progbits nobits"),
      ...words("start=0x20 start=0x40 start=0x100"),
      `follows=${dice.pick(names)}`,
      `vfollows=${dice.pick(names)}`,
    ]);
  const lines = dice.below(2) ? [`org ${dice.pick(words("0x10 0x100 0x7c00 3"))}`] : [];
  const used = new Set<string>();
  for (const n of Array(3 + dice.below(4)).keys()) {
    const name = dice.pick(names);
    const wishes = used.has(name) ? dice.pick(["", "align=32"]) : dice.list(dice.below(3), wish).join(" ");
    lines.push(`section ${name} ${wishes}`);
    used.add(name);
    if (dice.below(3) === 0) lines.push(`align ${dice.pick([2, 4, 8, 16])}`);
    const content = dice.pick(["db 1", "db 1,2,3", "times 5 nop", "resb 3", "dw $, $$", "dd l0"]);
    lines.push(`l${n}: ${name === ".bss" ? `resb ${1 + dice.below(5)}` : content}`);
  }
  lines.push("section .text", `dw ${dice.list(3, () => `l${dice.below(3)}`).join(",")}, $-$$`);
  for (const name of used) if (dice.below(2)) lines.push(`dd section.${name}.start, section.${name}.vstart`);
  return lines.join("\n");
}

const operators = words("+ - * / % // %% << >> >>> <<< & | ^ && || ^^ = == != <> < <= > >=");

function expression(dice: Dice, depth: number): string {
  const inner = () => expression(dice, depth - 1);
  if (depth === 0) return dice.pick(words("0 1 2 3 7 0xff -1 1<<40 5 x y"));
  return dice.pick([
    () => `${inner()} ${dice.pick(operators)} ${inner()}`,
    () => `(${inner()})`,
    () => `${dice.pick(words("- ~ ! +"))} ${inner()}`,
    () => `${inner()} ? ${inner()} : ${inner()}`,
  ])();
}

function expressions(dice: Dice): string {
  const values = dice.list(3, () => `dq ${expression(dice, 1 + dice.below(4))}`);
  const assigned = expression(dice, 2).replaceAll("x", "3").replaceAll("y", "9");
  const constants = `x equ ${dice.below(10)}\ny equ -${dice.below(300)}`;
  return `${constants}\n${values.join("\n")}\n%assign i ${assigned}\n%defstr s i\ndb s`;
}

const tests = ["%ifempty", "%ifid", "%ifnum", "%ifstr", "%iftoken"];

function macros(dice: Dice): string {
  const args = [
    ...words("1 a {1,2} 'q' {} (1,2) [x,y] {{1},2} 'a,b' a+1 x:y -5"),
    ...["", " ", "{ax }", "{ b}", "a b", "{a}{b}"],
  ];
  const range = dice.pick(["0", "0-3", "0-*", "0-2+", "0-3 d1, {d 2}", "0-1 z", "0-4 p,q", "0-3+ k, l,m"]);
  const lines = [`%macro m ${range}`, "%defstr s %0", "db '<', s, ':'"];
  for (const [n, parameter] of ["%1", "%2", "%3", "%{1:-1}", "%{2:3}"].entries()) {
    if (dice.below(2)) continue;
    lines.push(`%if %0 >= ${Math.min(n + 1, 3)}`, `%defstr s ${parameter}`, "db s, '|'");
    for (const test of tests) lines.push(`${test} ${parameter}`, `db '${test[4]}'`, "%endif");
    lines.push(`%ifidn {${parameter}},{a b}`, "db 'Q'", "%endif", "%endif");
  }
  if (dice.below(3) === 0) lines.push("%if %0 > 0", `%rotate ${dice.pick(words("1 -1 2 %0"))}`, "db %0", "%endif");
  lines.push("%endmacro");
  const calls = dice.list(
    3,
    () => `m ${dice.list(dice.below(5), () => dice.pick(args)).join(dice.pick([",", ", ", " ,"]))}`,
  );
  return [...lines, ...calls].join("\n");
}

function inlineMacros(dice: Dice): string {
  const names = dice.list(1 + dice.below(3), (n) => dice.pick(["", "=", "&", "&&"]) + "abc"[n]!);
  const rest = names.slice(1);
  const args = [...words("1 5 {1,2} 'q' (1+2) n n+1 {3} 2*3"), "n n"];
  const body = dice.list(3, () => dice.pick(words("a b c + a x |"))).join(" ");
  const lines = [
    "%define n 4",
    `%define f(${names.join(",")}) ${body}`,
    `%define g(x) f(x${rest.map(() => ",x").join("")})`,
  ];
  const calls = dice.list(4, () => {
    const given = dice.list(names.length, () => dice.pick(args)).join(",");
    return `%defstr s ${dice.pick(["f", "f", "g"])}(${given})\ndb s, 10`;
  });
  const early = `%xdefine h f(1${rest.map(() => ",2").join("")}) n\n%define n 9\n%defstr s h\ndb s`;
  return [...lines, ...calls, early].join("\n");
}

function strings(dice: Dice): string {
  const text = () => dice.pick(["'abc'", '"hello"', "`a\\x41`", "''", "'x'", "`\\u00e9`", "'a;b'"]);
  const count = () => dice.pick(["", `,${dice.below(8) - 4}`, ` , ${dice.below(3)}`]);
  const line = () =>
    dice.pick([
      () => `%substr s ${text()} ${dice.below(7) - 2}${count()}`,
      () => `%strcat s ${dice.list(1 + dice.below(3), text).join(",")}`,
      () => `%strlen n ${text()}\n%defstr s n`,
      () => `%defstr s ${dice.pick(["a b", "1 + 2", "[x]", "'q'", "a  b", "%%", "a,b"])}`,
    ])();
  return dice.list(5, () => `${line()}\ndb s, '|'`).join("\n");
}

function datum(dice: Dice, depth: number): string {
  const inner = () => (depth > 0 ? datum(dice, depth - 1) : "7");
  const items = [
    ..."1|'abc'|1.5|-2.25e3|?|x|0x12345678|-5|word (1,2)|%(1,2)|__utf16__('ab')|__?float32?__(2.5)|1e10|0x1.8p3".split(
      "|",
    ),
    ...["`\\n`", `byte ${dice.below(200)}`],
  ];
  return dice.pick([
    () => dice.pick(items),
    () => dice.pick(items),
    () => dice.pick(items),
    () => `${1 + dice.below(3)} dup (${dice.list(1 + dice.below(2), inner).join(",")})`,
    () => `${1 + dice.below(3)} dup ${inner()}`,
  ])();
}

function data(dice: Dice): string {
  const directives = ["db", "dw", "dd", "dq", "dt", "do", "times 2 dw", "times 3 db"];
  const line = () => `${dice.pick(directives)} ${dice.list(1 + dice.below(3), () => datum(dice, 2)).join(", ")}`;
  return `x equ 3\n${dice.list(4, line).join("\n")}`;
}

function floats(dice: Dice): string {
  const constant = () =>
    dice.pick([
      () => `${dice.below(1000)}.${dice.below(100000)}`,
      () => `${dice.below(10)}.${dice.below(1000)}e${dice.below(70) - 40}`,
      () => `${dice.below(100)}e-${dice.below(320)}`,
      () => `0x${dice.below(999)}.${dice.below(999)}p${dice.below(200) - 100}`,
      () => `1.${dice.below(9999999)}${dice.below(9999999)}`,
    ])();
  const mode = `float ${dice.pick(words("near up down zero"))},${dice.pick(["daz", "nodaz"])}`;
  const lines = dice.list(6, () => `${dice.pick(words("dd dq dt do"))} ${dice.pick(["", "-"])}${constant()}`);
  return [mode, ...lines, `dq __?float80m?__(${constant()})`, `dw __?bfloat16?__(${constant()})`].join("\n");
}

/** A statement of an object file that refers to other places. */
function reference(dice: Dice, wide: boolean, symbol: () => string): string {
  const name = symbol();
  const place = name + dice.pick(["", "", "+4", "-8"]);
  const narrow = [`mov eax, ${place}`, `mov eax, [${place}]`, `push dword ${name}`, `add [${name}+ecx*4], eax`];
  const long = [
    `mov rax, ${name}`,
    `lea rax, [rel ${place}]`,
    `push ${name}`,
    `mov byte [rel ${name}], 5`,
    `dq ${place}`,
  ];
  return dice.pick([
    ...(wide ? [...long, `mov rax, [rel ${name} wrt ..got]`] : [...narrow, `mov eax, [ebx+${name} wrt ..got]`]),
    ...[
      `dd ${place}`,
      `dw ${name}`,
      `dd ${name}-$`,
      `call ${name}`,
      `jmp ${name}`,
      `jz ${place}`,
      `call ${name} wrt ..plt`,
    ],
    ...["dd $-$$", "db 1,2,3", "align 4", "ret"],
  ]);
}

function objects(dice: Dice, wide: boolean): string {
  const sections = words(".text .data .bss .rodata .tdata mysec .init_array");
  const symbol = () => dice.pick(words("e0 e1 c0 l0 l1 l2 l3"));
  const lines = [
    `extern e0, e1${dice.pick(["", ":function", ":data hidden", ":weak"])}`,
    `common c0 ${dice.pick(["4", "16:8", "8:4"])}`,
    `global l0${dice.pick(["", ":function", ":data hidden", ":function (l1-l0)"])}, l2`,
  ];
  if (dice.below(3) === 0) lines.push("nop", "jmp l1");
  let labels = 0;
  for (const _ of Array(5 + dice.below(4))) {
    const section = dice.pick(sections);
    lines.push(`section ${section} ${dice.pick(["", "", "align=8", "write", "exec align=32"])}`);
    for (const __ of Array(1 + dice.below(3))) {
      const label = labels < 6 && dice.below(2) ? `l${labels++}: ` : "";
      const space = dice.pick(["resb 5", "resd 2", "align 8"]);
      lines.push(label + (section === ".bss" ? space : reference(dice, wide, symbol)));
    }
  }
  while (labels < 4) lines.push("section .text", `l${labels++}: nop`);
  return lines.join("\n");
}

const conditions = words("v w v>w v=w v/3 w&1 !v v&&w");
const asks = [
  ...[
    "%ifdef x",
    "%ifndef x",
    "%ifidn v,w",
    "%ifmacro m 1",
    "%ifctx c",
    "%ifnum v",
    "%ifid x",
    "%ifempty e",
    "%ifstr s",
  ],
  ...conditions.map((condition) => `%if ${condition}`),
];

/** Lines of the preprocessor inside one another. */
function block(dice: Dice, depth: number, inMacro: boolean): string[] {
  const inner = () => (depth > 0 ? block(dice, depth - 1, inMacro) : ["db v"]);
  const simple = [
    ...[
      "db v, w",
      "%assign v v+1",
      "%assign w (w*3+v)&15",
      "%xdefine x x v",
      "%define e",
      "%undef e",
      "%defstr s x",
      "db s",
    ],
    ...["%define x w", "%undef x", "m v", "m 1", "n", "n v", "n v, {1,w}", "dw $-$$", "%ifdef x\ndb 1\n%endif", "q v"],
    ...(inMacro
      ? ["db %0", "db %1", "%%l: dw %%l", "%rotate 1", "%exitmacro", "%ifempty %1\ndb 8\n%endif"]
      : ["%exitrep"]),
  ];
  return dice
    .list(1 + dice.below(3), () =>
      dice.pick([
        () => [dice.pick(simple)],
        () => [dice.pick(simple)],
        () => [dice.pick(asks), ...inner(), "%endif"],
        () => [dice.pick(asks), ...inner(), "%else", ...inner(), "%endif"],
        () => [dice.pick(asks), ...inner(), dice.pick(asks).replace("%if", "%elif"), ...inner(), "%endif"],
        () => [`%rep ${dice.below(4)}`, ...inner(), "%endrep"],
        () => ["%push c", "%assign %$i v", ...inner(), "db %$i", "%pop"],
      ])(),
    )
    .flat();
}

function preprocessor(dice: Dice): string {
  const start = ["%assign v 2", "%assign w 5", "%define q(a) db a", "%define x 7"];
  const first = ["%macro m 1", ...block(dice, 1, true).filter((line) => !/^[mn]\b/.test(line)), "%endmacro"];
  const second = ["%macro n 0-2 4", ...block(dice, 1, true).filter((line) => !/^n\b/.test(line)), "%endmacro"];
  return [...start, ...first, ...second, ...block(dice, 3, false), ...block(dice, 3, false)].join("\n");
}

/** Programs of random pieces; about half are right. */
export const randomPrograms: Readonly<Record<string, (dice: Dice) => string>> = {
  elf32: (dice) => objects(dice, false),
  elf64: (dice) => objects(dice, true),
  sections,
  preprocessor,
  expressions,
  macros,
  inlineMacros,
  strings,
  data,
  floats,
};
