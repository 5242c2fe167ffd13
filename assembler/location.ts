/** Source files by path or URI: desktops name them by paths, browsers only by URIs. */

/** A scheme has at least two letters, so that `C:\` is a path. */
export const isUri = (file: string): boolean => /^[a-z][a-z0-9+.-]+:/i.test(file);

const isAbsolutePath = (path: string): boolean => /^(?:[\\/]|[a-z]:[\\/])/i.test(path);

/** Removes "." and ".." from a path with forward slashes. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.length > 1 || (parts.length === 1 && parts[0] !== "")) parts.pop();
    } else if (part !== "." && (part !== "" || parts.length === 0)) parts.push(part);
  }
  return parts.join("/");
}

/** Scheme with authority ("vscode-vfs://github", "file://", "" for paths) and path of a file. */
function split(file: string): { readonly root: string; readonly path: string } {
  const uri = /^([a-z][a-z0-9+.-]+:(?:\/\/[^/]*)?)(.*)$/i.exec(file);
  return uri ? { root: uri[1]!, path: uri[2]! } : { root: "", path: file };
}

/** A path as part of a URI. */
const encodePath = (path: string): string => encodeURI(path).replaceAll("#", "%23").replaceAll("?", "%3F");

/** The file that `name` means when written in `from`, or in the folder `from` if that ends with a slash. */
export function resolve(name: string, from: string): string {
  if (isUri(name)) return name;
  const { root, path } = split(from);
  const encode = (text: string) => (root === "" ? text : encodePath(text));
  const slashed = name.replaceAll("\\", "/");
  if (isAbsolutePath(name))
    return root === "" ? name : root + encode(slashed.startsWith("/") ? slashed : `/${slashed}`);
  const folder = path.replaceAll("\\", "/").replace(/[^/]*$/, "");
  return root + normalize(folder + encode(slashed));
}

/** A file as a URI; paths become `file:` URIs. */
export function toUri(file: string): string {
  if (isUri(file)) return file;
  const slashed = file.replaceAll("\\", "/");
  return `file://${encodePath(slashed.startsWith("/") ? slashed : `/${slashed}`)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** Equal for all ways of writing the same file: as path or `file:` URI, with any percent encoding or drive letter case. */
export function fileKey(file: string): string {
  const { root, path } = split(file);
  const plain = (root === "" ? path : decode(path)).replaceAll("\\", "/");
  const key = plain.replace(/^\/?([a-z]):\//i, (_, drive: string) => `/${drive.toLowerCase()}:/`);
  return root === "" || root.toLowerCase() === "file://" ? key : `${decode(root)}${key}`;
}

/** The last part of a file's path, for people. */
export const baseName = (file: string): string => decode(file.replaceAll("\\", "/").split("/").pop() ?? file);
