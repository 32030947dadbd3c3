// What the bridge answers by itself, and what it passes on to the gateway; clients/mcp/recuro_mcp/bridge.py is its twin.
import { existsSync, readFileSync } from "node:fs";
import { Cancelled, Refused, SET_TOKEN, UNKNOWN } from "./gateway.mjs";

const here = (name) => new URL(name, import.meta.url);
const { version: VERSION } = JSON.parse(readFileSync(here("package.json")));
// Beside us in the package, which `npm pack` copies there; in the repository there is only one.
const OWN = JSON.parse(readFileSync(existsSync(here("own.json")) ? here("own.json") : here("../mcp/recuro_mcp/own.json")));

const PARSE_ERROR = -32700, INVALID_REQUEST = -32600, UNAUTHENTICATED = -32010, UNREACHABLE = -32011;
const CALL = "tools/call";
const NAMED = { "tools/call": "name", "prompts/get": "name", "resources/read": "uri" };
const PLAIN = /^[!-~](?:[ -~]*[!-~])?$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isId = (value) => typeof value === "string" || Number.isInteger(value);

export class Bridge {
  #gateway;
  #write;
  #version = "";
  #userAgent = `recuro-mcp/${VERSION}`;
  #underWay = new Map();

  constructor(gateway, write) {
    this.#gateway = gateway;
    this.#write = (answer) => write(`${typeof answer === "string" ? answer.replace(/[\r\n]/g, " ") : JSON.stringify({ jsonrpc: "2.0", ...answer })}\n`);
  }

  // Answer a line, now or when the gateway has.
  take(line) {
    const read = messageOf(line);
    if (read?.error) return this.#write(read);
    if (!read) return;
    const { id, method, params } = read;
    if (id === undefined) {
      if (method === "notifications/cancelled") this.#underWay.get(params.requestId)?.abort();
      return;
    }
    const result = this.#ownAnswer(read);
    if (result) return this.#write({ id, result });
    void this.#passOn(read);
  }

  // A host starts by these: the answer must not depend on a gateway that may be away.
  #ownAnswer({ method, params, version }) {
    if (method === "initialize") return this.#initialized(params);
    if (method === "server/discover") {
      const discovered = OWN["server/discover"];
      return discovered.supportedVersions.includes(version) ? discovered : undefined;
    }
    return method === "ping" && !version ? {} : undefined;
  }

  #initialized({ protocolVersion, clientInfo }) {
    this.#version = OWN.versions.includes(protocolVersion) ? protocolVersion : OWN.versions.at(-1);
    const named = `${clientInfo?.name} ${clientInfo?.version} recuro-mcp/${VERSION}`;
    if (isObject(clientInfo) && PLAIN.test(named)) this.#userAgent = named;
    return { ...OWN.initialize, protocolVersion: this.#version };
  }

  async #passOn(message) {
    const ending = new AbortController();
    this.#underWay.set(message.id, ending);
    let answer;
    try {
      answer = await this.#answer(message, ending.signal);
    } catch (error) {
      if (error instanceof Cancelled) return;
      answer = failed(message, `recuro-mcp failed: ${error}. ${UNKNOWN}`); // without an answer the host would wait for ever
    } finally {
      if (this.#underWay.get(message.id) === ending) this.#underWay.delete(message.id);
    }
    if (!ending.signal.aborted) this.#write(answer);
  }

  async #answer(message, signal) {
    if (!this.#gateway.hasToken) return failed(message, `There is no usable API token. ${SET_TOKEN}`, UNAUTHENTICATED);
    let content;
    try {
      content = await this.#gateway.post(message.line, this.#headers(message), signal);
    } catch (error) {
      if (error instanceof Refused) return failed(message, error.message);
      throw error;
    }
    const answer = JSON.parse(content);
    if (answer.id === message.id && ("result" in answer || message.method !== CALL)) return content;
    const error = isObject(answer.error) ? answer.error : { message: "The gateway answered something else." };
    let said = String(error.message);
    if (error.code === UNAUTHENTICATED) said = `${said.split(".")[0]}. ${SET_TOKEN}`; // the rest is for hosts that set headers
    return failed(message, said, Number.isInteger(error.code) ? error.code : UNREACHABLE);
  }

  #headers({ method, params, version }) {
    const said = version ?? this.#version;
    const named = params[NAMED[method]];
    return {
      "User-Agent": this.#userAgent,
      ...(said && { "MCP-Protocol-Version": inHeader(said) }),
      ...(version && { "Mcp-Method": inHeader(method) }),
      ...(version && typeof named === "string" && { "Mcp-Name": inHeader(named) }),
    };
  }
}

// The message of a line, nothing for one that wants nothing, or what is answered to a line that is no message.
function messageOf(line) {
  let found, text;
  try {
    text = utf8.decode(line).trim();
    if (!text) return undefined;
    found = JSON.parse(text);
  } catch {
    return { id: null, error: { code: PARSE_ERROR, message: "Parse error: a line must hold one message, as JSON" } };
  }
  const { jsonrpc, id, method, params = {} } = isObject(found) ? found : {};
  if (jsonrpc === "2.0" && method === undefined && ("result" in found || "error" in found)) return undefined;
  if (jsonrpc !== "2.0" || typeof method !== "string" || !isObject(params) || (id !== undefined && !isId(id))) {
    const message = "Invalid request: the line is JSON, and no JSON-RPC 2.0 message";
    return { id: isId(id) ? id : null, error: { code: INVALID_REQUEST, message } };
  }
  const version = params._meta?.["io.modelcontextprotocol/protocolVersion"];
  return { line: text, id, method, params, version: typeof version === "string" ? version : undefined };
}

// A tool error for a call, so that the agent reads it; our own list for a list; else an error.
function failed({ id, method, version }, said, code = UNREACHABLE) {
  const extra = version ? { resultType: "complete" } : {};
  if (method === CALL) {
    const kind = code === UNAUTHENTICATED ? "unauthenticated" : "gateway";
    const result = { content: [{ type: "text", text: said }], isError: true, _meta: { "recuro/error": { code: kind } } };
    return { id, result: { ...result, ...extra } };
  }
  if (method.endsWith("/list") && method in OWN) {
    const fresh = version ? { ttlMs: 0, cacheScope: "private" } : {};
    return { id, result: { ...OWN[method], ...extra, ...fresh } };
  }
  return { id, error: { code, message: said } };
}

// As the protocol writes in a header what cannot stand there.
const inHeader = (text) =>
  PLAIN.test(text) && !text.startsWith("=?base64?") ? text : `=?base64?${Buffer.from(text).toString("base64")}?=`;
