/** Characters as the operands of DB. */
export const characters = (text: string): string => [...text].map((character) => character.charCodeAt(0)).join(", ");

/** A guest that prints the text at its label `text` so many times, by a piece of code that finds its address in ESI and its length in ECX. */
export const printingGuest =
  (text: string, setup: string, print: string) =>
  (rounds: number): string =>
    `%pragma ringside mode protected
        org 100000h
        bits 32
        ${setup}
        mov ebx, ${rounds}
round:  mov esi, text
        mov ecx, ${text.length}
${print}
        dec ebx
        jnz round
        cli
        hlt
text:   db ${characters(text)}
`;

/** Prints a character at a time by an instruction. */
export const bytewise = (out: string): string => `next:   lodsb\n        ${out}\n        loop next`;
