#!/usr/bin/env node
// `recuro-mcp`: MCP on standard input and output, passed on to the gateway; the same as clients/mcp, for `npx`.
import { Bridge } from "./bridge.mjs";
import { Gateway, addressOf } from "./gateway.mjs";

const DEFAULT_URL = "http://127.0.0.1:8001/mcp";
const setting = (name) => (process.env[name] ?? "").trim();

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const isHelp = argument === "-h" || argument === "--help";
  const help = `usage: recuro-mcp [-h]\n\nMCP on standard input and output, passed on to the Recuro gateway. MCP hosts start it.\n
It reads RECURO_API_TOKEN (or MCP_API_TOKEN), and RECURO_MCP_URL (${DEFAULT_URL}).`;
  (isHelp ? console.log : console.error)(isHelp ? help : `recuro-mcp: error: unrecognized arguments: ${argument}`);
  process.exit(isHelp ? 0 : 2);
}
let address;
try {
  address = addressOf(setting("RECURO_MCP_URL") || DEFAULT_URL);
} catch (error) {
  console.error(`RECURO_MCP_URL ${error.message}; it looks like ${DEFAULT_URL}`);
  process.exit(1);
}
process.stdout.on("error", () => process.exit(0)); // the host has gone
const gateway = new Gateway(address, setting("RECURO_API_TOKEN") || setting("MCP_API_TOKEN"));
const bridge = new Bridge(gateway, (line) => process.stdout.write(line));

let parts = [];
process.stdin.on("data", (chunk) => {
  let from = 0;
  for (let end; (end = chunk.indexOf(10, from)) >= 0; from = end + 1) {
    bridge.take(Buffer.concat([...parts, chunk.subarray(from, end)]));
    parts = [];
  }
  parts.push(chunk.subarray(from));
});
process.stdin.on("end", () => {
  bridge.take(Buffer.concat(parts));
  process.exit(0); // calls under way have nobody left to answer to
});
