/** Numbers from 0 to `n` - 1 that are the same in every run. */
export type Random = (n: number) => number;

export function seeded(seed: number): Random {
  let state = (seed * 2654435761) >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

export const pick = <T>(list: readonly T[], random: Random): T => list[random(list.length)]!;

/** Lines of every kind that a guest has, with many jumps that are just near or just far. */
export function generatedProgram(random: Random, lines: number): string[] {
  const out = ["%define COUNT 7", "%define TWICE(x) ((x) * 2)", "%macro twice 1", "%%again: inc %1", " jnz %%again"];
  out.push(
    "%endmacro",
    "SIZE equ 12",
    `bits ${pick([16, 32, 64], random)}`,
    `org ${pick([0, 0x7c00, 0x100000], random)}`,
  );
  const label = () => `l${random(lines >> 2)}`;
  const shapes: readonly (() => string)[] = [
    () => ` jmp ${label()}`,
    () => ` jz ${label()}`,
    () => ` call ${label()}`,
    () => ` loop $-${random(20)}`,
    () => ` mov [${label()}+${random(4)}], ax`,
    () => ` mov cx, ${label()}-${label()}`,
    () => ` mov cx, SIZE+${random(300)}`,
    () => ` add ax, LAST - ${random(200)}`,
    () => ` times ${random(40)} nop`,
    () => ` db "text", ${random(300)}, COUNT`,
    () => ` dw ${label()}, $-$$, TWICE(${random(9)})`,
    () => ` dd ${label()}+${random(9)}`,
    () => ` align ${pick([2, 4, 16], random)}`,
    () => ` resb ${random(5)}`,
    () => ` times COUNT db ${random(255)}`,
    () => " twice ax",
    () => `k${random(lines)} equ ${pick(["SIZE*2", "$-$$", label(), `${random(400)}`], random)}`,
    () => `.l${random(3)}: dec ax`,
    () => ` jmp .l${random(3)}`,
    () => ` add ax, k${random(lines)}`,
    () => "; a comment",
    () => "",
    () => " ret",
    () => " mov eax, 5 ; five",
    () => " section .data",
    () => " section .text",
    () => "%if COUNT > 5",
    () => "%endif",
  ];
  for (let n = 0; out.length < lines; n++)
    out.push(`l${n}: ${pick(["nop", "", "jmp l1"], random)}`, pick(shapes, random)());
  for (let n = 0; n < lines; n++) out.splice(9 + random(out.length - 9), 0, pick(shapes.slice(0, 25), random)());
  out.push("LAST equ $-$$");
  return out;
}

const pool = [
  " nop",
  " mov eax, [bx+si+300]",
  " db 1, 2, 3",
  "x: ret",
  "x equ 5",
  " jmp x",
  "; nothing",
  "",
  " mov ax, x",
  "%define x 3",
  " bits 32",
  " align 4",
  " times 5 db x",
  " section .bss",
  " nonsense ax",
  " db 'open",
  ".loc: jmp .loc",
  " dw $, x",
  "y: times 100 nop",
  "%if 0",
  "%endif",
  " mov al, 300",
  " jmp short x",
  " mov ax, [x\\",
];

/** A small change such as people make; gives the new text. */
export function edited(text: string, random: Random): string {
  const lines = text.split("\n");
  const n = random(lines.length);
  const other = () => (random(2) === 0 ? pick(pool, random) : pick(lines, random));
  switch (random(10)) {
    case 0:
      lines.splice(n, 1);
      break;
    case 1:
    case 2:
      lines.splice(n, 0, other());
      break;
    case 3:
    case 4:
      lines[n] = other();
      break;
    case 5:
      lines[n] += pick([" ; a comment", ",", " 5", "0", "x", ":"], random);
      break;
    case 6:
      lines[n] = lines[n]!.slice(0, random(lines[n]!.length + 1));
      break;
    case 7:
      lines.splice(n, 2, other(), other(), other());
      break;
    case 8: {
      const at = random(text.length + 1);
      return (
        text.slice(0, at) +
        pick(["a", "1", "\n", " ", ".", "-", "\r\n", "[", '"', ""], random) +
        text.slice(at + random(3))
      );
    }
    default:
      lines[n] = lines[n]!.replace(/\d+/, () => String(random(400)));
  }
  return lines.join("\n");
}
