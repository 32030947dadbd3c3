// The gateway: one connection a message, and a sentence for whatever goes wrong; its twins are gateway.py and wrong.py.
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

export const TIMES = { tryMs: 2400, pauseMs: 100, connectMs: 2800, readMs: 45_000 };
export const UNKNOWN =
  "Outcome unknown: a tool that writes may have done so. Call it once more with the same idempotency_key, or list first to see.";
const REMEDY = "Set RECURO_MCP_URL to the address of the gateway, as in http://127.0.0.1:8001/mcp.";
export const SET_TOKEN =
  "Set RECURO_API_TOKEN (or MCP_API_TOKEN) in the env of this server's entry in the MCP configuration, then restart it.";
const SHOWN = 200;
const MOVED = [301, 302, 303, 307, 308];

export class Refused extends Error {}
export class Cancelled extends Error {}

export function addressOf(text) {
  if (/[\x00-\x20\x7f\\]/.test(text)) throw new Error("must not contain blanks, backslashes or control characters");
  if (!/^https?:\/\//i.test(text)) throw new Error("must start with http:// or https://");
  if (/^https?:\/\/(?:[/?#:]|$)/i.test(text)) throw new Error("must name a host");
  let url;
  try {
    url = new URL(text);
  } catch (error) {
    throw new Error(`must be a valid URL (${error.message})`);
  }
  if (url.username || url.password) throw new Error("must not carry a user name or password");
  return { said: text, url };
}

export class Gateway {
  #said;
  #url;
  #token;

  constructor({ said, url }, token) {
    [this.#said, this.#url, this.#token] = [said, url, token];
  }

  get hasToken() {
    return /^[ -~]+$/.test(this.#token);
  }

  // The body of an answer that may be a gateway's; throws Refused with the reason if there is none, or Cancelled.
  async post(body, headers, signal) {
    const socket = await this.#connect(signal);
    let isLate = false;
    const timer = setTimeout(() => socket.destroy(void (isLate = true)), TIMES.readMs);
    const end = () => socket.destroy();
    signal.addEventListener("abort", end);
    try {
      if (signal.aborted) throw new Cancelled();
      const answer = await this.#exchange(socket, body, headers);
      const wrong = withAnswer(this.#said, answer);
      if (wrong) throw new Refused(wrong);
      return answer.content;
    } catch (error) {
      if (signal.aborted) throw new Cancelled();
      throw error instanceof Refused ? error : new Refused(this.#lost(error, isLate));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      socket.destroy();
    }
  }

  #exchange(socket, body, headers) {
    const all = {
      ...{ Host: this.#url.host, Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      ...{ Accept: "application/json", Connection: "close", "Content-Length": Buffer.byteLength(body), ...headers },
    };
    return new Promise((resolve, reject) => {
      const path = `${this.#url.pathname}${this.#url.search}`;
      const request = http.request({ method: "POST", path, headers: all, createConnection: () => socket });
      request.on("error", reject);
      request.on("response", (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("close", () => reject(new Error("cut off")));
        response.on("end", () => {
          const { location, "content-type": kind = "" } = response.headers;
          const content = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode, kind: kind.split(";")[0], content, target: this.#near(location) });
        });
      });
      request.end(body);
    });
  }

  async #connect(signal) {
    const began = performance.now();
    let told; // what was said before our own time was over, which says nothing of the reason
    for (;;) {
      try {
        return await this.#dial(TIMES.connectMs - (performance.now() - began));
      } catch (error) {
        if (signal.aborted) throw new Cancelled(); // nothing was sent
        if (error.code) told = error;
        if (performance.now() - began > TIMES.tryMs || isOfTls(error))
          throw new Refused(withoutConnection(this.#said, told ?? error));
      }
      await pause(TIMES.pauseMs);
    }
  }

  #dial(ms) {
    const isTls = this.#url.protocol === "https:";
    const host = this.#url.hostname.replace(/^\[|\]$/g, "");
    const where = { host, port: Number(this.#url.port) || (isTls ? 443 : 80), autoSelectFamily: true };
    const ca = process.env.SSL_CERT_FILE ? [...tls.rootCertificates, readFileSync(process.env.SSL_CERT_FILE)] : undefined;
    return new Promise((resolve, reject) => {
      const socket = isTls ? tls.connect({ ...where, ...(net.isIP(host) ? {} : { servername: host }), ca }) : net.connect(where);
      const timer = setTimeout(() => socket.destroy(new Error("timed out")), Math.max(ms, TIMES.pauseMs));
      socket.once("error", reject);
      socket.once("close", () => clearTimeout(timer));
      socket.once(isTls ? "secureConnect" : "connect", () => {
        clearTimeout(timer);
        socket.off("error", reject);
        socket.on("error", () => {}); // the request hears of it, too
        resolve(socket);
      });
    });
  }

  #near(location) {
    return location && new URL(location, this.#url).href;
  }

  #lost(error, isLate) {
    if (isLate) return withoutAnswer(this.#said, `within ${(TIMES.readMs / 1000).toFixed(0)} s`);
    if (String(error.code).startsWith("HPE_"))
      return `${this.#said} does not answer as HTTP. If it serves TLS, write https:// in RECURO_MCP_URL.`;
    return withoutAnswer(this.#said, `(${error.code ?? error.message})`);
  }
}

function withoutConnection(url, error) {
  const where = `${url} (RECURO_MCP_URL)`;
  if (["ENOTFOUND", "EAI_AGAIN"].includes(error.code))
    return `The host name of ${where} is not known. Nothing was done. ${REMEDY}`;
  if (isOfCertificate(error))
    return `The certificate of ${where} is not trusted: ${error.message}. Set SSL_CERT_FILE to the CA that signed it.`;
  if (isOfTls(error)) return `${where} does not speak TLS: ${error.code}. If it serves plain HTTP, write http:// there.`;
  return `The Recuro gateway at ${where} cannot be reached. Nothing was done. Is it running? ${REMEDY}`;
}

const withoutAnswer = (url, how) => `The Recuro gateway at ${url} did not answer ${how}. ${UNKNOWN}`;

function withAnswer(url, { status, kind, content, target }) {
  const said = messageOf(content);
  const start = `'${content.slice(0, SHOWN)}'`;
  if ((status === 404 || status === 405) && (said?.id ?? null) === null)
    return `${url} answered ${status}: MCP is not served there. ${REMEDY}`;
  if (target && MOVED.includes(status)) return `${url} answered ${status} and leads to ${target}: set RECURO_MCP_URL to that.`;
  if (said) return undefined;
  if (status >= 500) return `${url} answered ${status} ${start}; is the gateway running? ${UNKNOWN}`;
  return `${url} answered ${status} with ${kind === "text/html" ? "a web page" : start}, which no gateway does. ${REMEDY}`;
}

function messageOf(content) {
  try {
    const found = JSON.parse(content);
    return typeof found === "object" && found !== null && "jsonrpc" in found ? found : undefined;
  } catch {
    return undefined;
  }
}

const isOfCertificate = ({ code = "" }) => /CERT|UNABLE_TO_VERIFY/.test(code);
const isOfTls = (error) => isOfCertificate(error) || /^ERR_SSL|^EPROTO/.test(error.code ?? "");
