/** Bytes of an unfinished UTF-8 sequence, and how many it needs. */
interface Partial {
  bytes: number[];
  length: number;
}

const sequenceLength = (byte: number): number => (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1);

function character(bytes: readonly number[]): string {
  const [first = 0, ...rest] = bytes;
  const lead = bytes.length === 1 ? first : first & (0x7f >> bytes.length);
  return String.fromCodePoint(rest.reduce((code, byte) => code * 64 + (byte & 0x3f), lead));
}

const ascii = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code));

/**
 * Turns the bytes a guest sends to its console into text: UTF-8 where they are, else each byte as the character of its
 * number (Latin-1), so nothing is lost. One piece of text per character: what a piece says never depends on when the
 * machine is stopped.
 */
export function createConsoleText(emit: (text: string) => void) {
  const partial: Partial = { bytes: [], length: 0 };
  const flush = () => {
    for (const byte of partial.bytes.splice(0)) emit(String.fromCharCode(byte));
  };
  const complete = () => {
    const [first = 0, second = 0] = partial.bytes;
    // Overlong forms, surrogates and numbers beyond 10FFFFh are not UTF-8.
    const valid =
      first < 0xf5 &&
      !(first === 0xe0 && second < 0xa0) &&
      !(first === 0xed && second >= 0xa0) &&
      !(first === 0xf0 && second < 0x90) &&
      !(first === 0xf4 && second >= 0x90);
    if (valid) emit(character(partial.bytes.splice(0)));
    else flush();
  };
  return {
    send(byte: number): void {
      if (byte < 0x80 && partial.bytes.length === 0) {
        emit(ascii[byte]!);
        return;
      }
      const continues = (byte & 0xc0) === 0x80;
      if (partial.bytes.length && !continues) flush();
      if (!partial.bytes.length) partial.length = continues ? 1 : sequenceLength(byte);
      partial.bytes.push(byte);
      if (partial.bytes.length < partial.length) return;
      if (partial.length === 1) flush();
      else complete();
    },
    /** Gives out what is left of an unfinished sequence. */
    flush,
    save: () => ({ bytes: [...partial.bytes], length: partial.length }),
    restore(state: unknown): void {
      const saved = state as Partial;
      partial.bytes = [...saved.bytes];
      partial.length = saved.length;
    },
  };
}
