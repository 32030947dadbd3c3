// The reference's six prompts through the TypeScript SDK 1, over HTTP and over stdio; the test suite does not need it.
// In a folder with @modelcontextprotocol/sdk installed, with a gateway running:
//   RECURO_MCP_URL=http://127.0.0.1:8001/mcp RECURO_API_TOKEN=... node <this file> <path of recuro-mcp>
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const load = createRequire(`${process.cwd()}/here.js`);
const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = load("@modelcontextprotocol/sdk/client/streamableHttp.js");

const { RECURO_MCP_URL: url, RECURO_API_TOKEN: token, PATH } = process.env;
const headers = { Authorization: `Bearer ${token}` };
const transports = {
  http: new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  stdio: new StdioClientTransport({
    command: process.argv[2],
    env: { PATH, RECURO_MCP_URL: url, RECURO_API_TOKEN: token },
  }),
};
const cronKeys =
  "id name url method headers payload callback_url cron_expression timeout_seconds alert_threshold " +
  "consecutive_failures is_active is_alerted last_run_at next_run_at last_status last_response created_at";
const policy = "misfire_policy misfire_window_seconds overlap_policy spread_seconds starts_at ends_at max_runs";
const shown = `${cronKeys} ${policy} last_failure_reason last_error timezone mode has_ended next_runs`;

for (const [name, transport] of Object.entries(transports)) {
  const client = new Client({ name: "outside", version: "1" });
  await client.connect(transport);
  const ask = async (tool, args, keys) => {
    const { isError, content, structuredContent } = await client.callTool({ name: tool, arguments: args });
    assert(!isError, content[0].text);
    assert.deepEqual(JSON.parse(content[0].text), structuredContent);
    assert.equal(Object.keys(structuredContent).join(" "), keys);
    return structuredContent;
  };
  assert.equal((await client.listTools()).tools.length, 9); // from here on the SDK checks every answer's schema

  const ping = { name: "health-check", url: "https://api.example.com/health", cron_expression: "*/5 * * * *" };
  const created = "id name url method cron_expression is_active next_run_at";
  const made = await ask("create-cron", ping, `${created} ${policy} timezone mode has_ended next_runs`);
  assert.equal(made.method, "GET");
  const pages = "data current_page last_page per_page total";
  const active = await ask("list-crons", { filter: "active" }, pages);
  assert.equal(Object.keys(active.data[0]).join(" "), cronKeys);
  const sync = { queue: "webhooks", url: "https://api.example.com/sync", method: "POST" };
  const asText = { ...sync, headers: '{"X-A": "1"}', payload: '{"event": "sync"}', callback_url: null, delay: "0" };
  const job = await ask("create-job", asText, "id queue_id queue_name url method status scheduled_at");
  await ask("get-cron", { id: made.id }, shown);
  const paused = await ask("update-cron", { id: made.id, is_active: false }, `${shown} warnings`);
  assert.equal(paused.is_active, false);
  assert.deepEqual(await ask("delete-job", { id: job.id }, "deleted id"), { deleted: true, id: job.id });
  await ask("delete-cron", { id: made.id }, "deleted id");

  const wrong = await client.callTool({ name: "create-job", arguments: { queue: "webhooks" } });
  assert(wrong.isError && wrong.content[0].text.includes("- url: The url field is required."));
  await client.close();
  console.log(`${name}: ok`);
}
