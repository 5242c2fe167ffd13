import { expect, it } from "vitest";
import type { Requests } from "../../debug-adapter/protocol.ts";
import { DapClient, lineOf } from "../support/dap-client.ts";

const source = `%pragma ringside mode protected
%pragma ringside technique vtx-ept
bits 32
org 100000h
start: mov dx, 0E9h
       mov al, 'x'
       out dx, al
lie:   mov eax, cs
       cli
       hlt
`;

type Compared = Requests["ringside/compare"]["result"];

it("runs the launched guest again under a technique, and leaves the session where it is", async () => {
  const client = new DapClient(source);
  await client.launch();
  await client.start();
  const line = await client.line();
  const compared = (technique: string) => client.request<Compared>("ringside/compare", { technique });
  expect(await compared("bare-metal")).toMatchObject({ compared: 6, totals: { output: "x" } });
  expect(await compared("vtx-ept")).toMatchObject({ compared: 6, totals: { output: "x", direct: 4 } });
  expect(await compared("trap-and-emulate")).toMatchObject({
    divergence: { instructions: 3, registers: [{ name: "RAX", bare: "8", hosted: "9" }] },
    place: { line: lineOf(source, "lie:") - 1, text: "lie:   mov eax, cs" },
  });
  expect(await client.line()).toBe(line);
  await expect(compared("magic")).rejects.toThrow('There is no technique "magic".');
});

it("tells a client that shows progress when a comparison begins and ends", async () => {
  const client = new DapClient(source);
  await client.launch({}, { supportsProgressReporting: true });
  await client.start();
  await client.request("ringside/compare", { technique: "vtx-ept" });
  const reports = client.events.filter(({ event }) => event.startsWith("progress"));
  expect(reports.map(({ event }) => event)).toEqual(["progressStart", "progressEnd"]);
  expect(reports[0]!.body).toMatchObject({ title: "Comparing with vtx-ept", cancellable: false });
  expect(reports[1]!.body.progressId).toBe(reports[0]!.body.progressId);
});
