import * as vscode from "vscode";

const languages = ["ringside", "nasm", "asm", "asm-x86-nasm", "asm-collection"];

/** A machine file, by its name; an assignment's ends alike. */
const machineFile = /(?<!(?:^|\/)assignment)\.ringside\.json$/i;

const isGuest = ({ document: { languageId, uri } }: vscode.TextEditor): boolean =>
  languages.includes(languageId) || machineFile.test(uri.path);

/**
 * The guest whose source is in the active editor, or the machine file with several. Where that editor shows no text, as a walkthrough
 * does not, it is the guest beside it.
 */
export function guestDocument(): vscode.TextDocument | undefined {
  const { activeTextEditor, visibleTextEditors } = vscode.window;
  const candidates = activeTextEditor ? [activeTextEditor] : visibleTextEditors;
  return candidates.find(isGuest)?.document;
}

export const guestInEditor = (): vscode.Uri | undefined => guestDocument()?.uri;
