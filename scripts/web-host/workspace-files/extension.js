// The folder behind `npm start`, as a VS Code file system: every operation is one request to the local server.
const vscode = require("vscode");

class WorkspaceFiles {
  #changed = new vscode.EventEmitter();
  onDidChangeFile = this.#changed.event;

  constructor(server) {
    this.server = server;
  }

  watch() {
    return new vscode.Disposable(() => {});
  }

  async #request(uri, init, query = "") {
    const path = uri.path.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`${this.server}/files${path}${query}`, init);
    if (response.status === 404) throw vscode.FileSystemError.FileNotFound(uri);
    if (!response.ok) throw vscode.FileSystemError.NoPermissions(await response.text());
    return response;
  }

  #tell(type, ...uris) {
    this.#changed.fire(uris.map((uri) => ({ type, uri })));
  }

  async stat(uri) {
    return (await this.#request(uri, undefined, "?stat")).json();
  }

  async readDirectory(uri) {
    return (await this.#request(uri, undefined, "?list")).json();
  }

  async readFile(uri) {
    return new Uint8Array(await (await this.#request(uri)).arrayBuffer());
  }

  async writeFile(uri, content) {
    await this.#request(uri, { method: "PUT", body: content });
    this.#tell(vscode.FileChangeType.Changed, uri);
  }

  async createDirectory(uri) {
    await this.#request(uri, { method: "POST" }, "?folder");
    this.#tell(vscode.FileChangeType.Created, uri);
  }

  async delete(uri) {
    await this.#request(uri, { method: "DELETE" });
    this.#tell(vscode.FileChangeType.Deleted, uri);
  }

  async rename(from, to) {
    await this.#request(from, { method: "POST" }, `?rename=${encodeURIComponent(to.path)}`);
    this.#tell(vscode.FileChangeType.Deleted, from);
    this.#tell(vscode.FileChangeType.Created, to);
  }
}

exports.activate = (context) => {
  const server = context.extensionUri.with({ path: "" }).toString(true).replace(/\/$/, "");
  context.subscriptions.push(
    vscode.workspace.registerFileSystemProvider("ringside-files", new WorkspaceFiles(server), {
      isCaseSensitive: true,
    }),
  );
};
