/** Compression as every host of this code has it, by the names that browsers gave it. */

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>;
  cancel(): Promise<void>;
}
interface Stream {
  pipeThrough(transform: object): Stream;
  getReader(): Reader;
}
interface Streams {
  readonly Blob: new (parts: readonly Uint8Array[]) => { stream(): Stream };
  readonly CompressionStream: new (format: "gzip") => object;
  readonly DecompressionStream: new (format: "gzip") => object;
}
const { Blob, CompressionStream, DecompressionStream } = globalThis as unknown as Streams;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** All that a stream gives, if it is at most so many bytes. */
async function collected(stream: Stream, most: number): Promise<Uint8Array | undefined> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value!);
    length += next.value!.length;
    if (length > most) {
      await reader.cancel();
      return undefined;
    }
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const through = (bytes: Uint8Array, transform: object): Stream => new Blob([bytes]).stream().pipeThrough(transform);

export const compressed = async (bytes: Uint8Array): Promise<Uint8Array> =>
  (await collected(through(bytes, new CompressionStream("gzip")), Number.POSITIVE_INFINITY))!;

/** The bytes, undefined if they are more than `most`. @throws TypeError if this is no gzip, or has been damaged */
export const decompressed = (bytes: Uint8Array, most: number): Promise<Uint8Array | undefined> =>
  collected(through(bytes, new DecompressionStream("gzip")), most);
