/** A file that is there but cannot be read; why, as the end of a sentence: “it is a folder”. */
export interface Unreadable {
  readonly unreadable: string;
}

/** The bytes of a file, or why it cannot be read; undefined if there is no such file. */
export type FileBytes = Uint8Array | Unreadable | undefined;

/** The text of a file, or why it cannot be read; undefined if there is no such file. */
export type FileText = string | Unreadable | undefined;

const none = new Set(["ENOENT", "ENOTDIR", "FileNotFound"]);

/** What the systems we read files through call their errors: Node by POSIX names, VS Code by its own. */
const reasons: Readonly<Record<string, string>> = {
  EISDIR: "it is a folder, not a file",
  FileIsADirectory: "it is a folder, not a file",
  EACCES: "you have no permission for it",
  EPERM: "you have no permission for it",
  NoPermissions: "you have no permission for it",
  EROFS: "it is on a file system that cannot be written to",
  ENOSPC: "the disk is full",
  EMFILE: "too many files are open",
  ELOOP: "its symbolic links lead in a circle",
  ENAMETOOLONG: "its name is too long",
  Unavailable: "its file system does not answer",
};

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | null)?.code ?? "");

/** Whether a file error says that there is no such file. */
export const isMissing = (error: unknown): boolean => none.has(codeOf(error));

/** Why a file cannot be read or written, as the end of a sentence. */
export const fileReason = (error: unknown): string =>
  reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));

/** A failed reading as data. */
export const unread = (error: unknown): Unreadable | undefined =>
  isMissing(error) ? undefined : { unreadable: fileReason(error) };
