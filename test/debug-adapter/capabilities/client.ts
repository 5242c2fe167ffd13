import type { DebugProtocol as P } from "@vscode/debugprotocol";
import type { capabilities } from "../../../debug-adapter/capabilities.ts";
import { DapClient } from "../../support/dap-client.ts";
import { guest } from "../guest.ts";

/** What a capability promises, by its name. */
export type Behaviours = Partial<Record<keyof typeof capabilities, () => Promise<void>>>;

export async function launched(source: string | Record<string, string> = guest, args: object = {}): Promise<DapClient> {
  const client = new DapClient(source);
  await client.launch(args);
  return client;
}

export async function started(source: string | Record<string, string> = guest, args: object = {}): Promise<DapClient> {
  const client = await launched(source, args);
  await client.start();
  return client;
}

export async function scopeReference(client: DapClient, scope: string): Promise<number> {
  const { scopes } = await client.request<P.ScopesResponse["body"]>("scopes", { frameId: 1 });
  return scopes.find(({ name }) => name === scope)!.variablesReference;
}

export async function variables(client: DapClient, scope: string): Promise<P.Variable[]> {
  const variablesReference = await scopeReference(client, scope);
  return (await client.request<P.VariablesResponse["body"]>("variables", { variablesReference })).variables;
}

/** What sets one filter of exceptions, with its condition. */
export const filter = (filterId: string, condition?: string) => ({
  filters: [],
  filterOptions: [{ filterId, condition }],
});
