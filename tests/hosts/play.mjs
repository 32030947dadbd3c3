// Plays a script of calls by a TypeScript SDK: `node play.mjs PLAY`, in a folder with both SDKs; PLAY is JSON.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const play = JSON.parse(process.argv[2]);
const load = (name) => import(pathToFileURL(createRequire(`${process.cwd()}/here.js`).resolve(name)));
const info = { name: "outside", version: "1" };

let client, transport;
const headers = { Authorization: `Bearer ${play.token}` };
const server = play.command && { command: play.command[0], args: play.command.slice(1), env: play.env };
if (play.sdk === 1) {
  const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
  const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
  const { StreamableHTTPClientTransport } = await load("@modelcontextprotocol/sdk/client/streamableHttp.js");
  client = new Client(info);
  transport = server
    ? new StdioClientTransport(server)
    : new StreamableHTTPClientTransport(new URL(play.url), { requestInit: { headers } });
} else {
  const { Client, StreamableHTTPClientTransport } = await load("@modelcontextprotocol/client");
  const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");
  const mode = ["legacy", "auto"].includes(play.era) ? play.era : { pin: play.era };
  client = new Client(info, { versionNegotiation: { mode } });
  transport = server
    ? new StdioClientTransport(server)
    : new StreamableHTTPClientTransport(new URL(play.url), { requestInit: { headers } });
}
await client.connect(transport);
const { tools } = await client.listTools(); // from here on the SDK checks every answer by its schema
const saved = {};
const filled = (value) => {
  if (typeof value === "string") return value.startsWith("$") ? saved[value.slice(1)] : value;
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]));
};
const results = [];
for (const { tool, arguments: given, saves } of play.calls) {
  const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: filled(given) });
  results.push({ error: isError === true, text: content[0].text, structured: structuredContent });
  if (saves) saved[saves] = structuredContent?.id;
}
await client.close();
process.stdout.write(JSON.stringify({ tools: tools.map((tool) => tool.name), results }));
process.exit(0);
