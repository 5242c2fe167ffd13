/** `LINE` for `__LINE__` and `__?LINE?__`. */
export function builtin(word: string): string | undefined {
  if (!word.startsWith("__")) return undefined;
  const name = /^__\??([A-Z_]+?)\??__$/.exec(word)?.[1];
  return name && ["LINE", "BITS", "NASM_MAJOR", "NASM_MINOR", "OUTPUT_FORMAT"].includes(name) ? name : undefined;
}
