/** Names of files in an assignment: relative, with forward slashes, and within its folder. */

/** Why a name cannot be one of an assignment's, as the end of a sentence; undefined if it can. */
export function nameProblem(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.includes("\\")) return "has a backslash: folders are separated by /";
  if (name.startsWith("/") || /^[a-z][a-z0-9+.-]*:/i.test(name)) return "must be relative to the assignment's folder";
  const parts = name.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return "must be a plain path, without empty parts, . and ..";
  return undefined;
}
