/**
 * Sources that are in a trace and nowhere else have names of their own, URIs of the scheme `ringside-trace`. Clients ask for
 * their text, by the number that the protocol calls a source reference.
 */
import { fileKey, toUri } from "../assembler/location.ts";
import { traceScheme } from "./protocol.ts";

const scheme = `${traceScheme}:`;

/** The name of a file of a trace, which the trace has as a relative or absolute path or as a URI. */
export function traceSource(name: string): string {
  const path = name.replaceAll("\\", "/");
  return (
    scheme +
    encodeURI(path.startsWith("/") ? path : `/${path}`)
      .replaceAll("#", "%23")
      .replaceAll("?", "%3F")
  );
}

/** The number of a source of a trace, the same in every session; undefined for other files. */
export function referenceOf(file: string): number | undefined {
  if (!file.startsWith(scheme)) return undefined;
  let hash = 0x811c9dc5;
  for (const character of fileKey(file)) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  // Positive, and less than 2^31: as the protocol wants it.
  return (hash >>> 1) | 1;
}

/** A file as views name it: of a trace's source, with its number, so that the client can ask for it. */
export function viewUri(file: string): string {
  const reference = referenceOf(file);
  return reference === undefined ? toUri(file) : `${file}?${reference}`;
}
