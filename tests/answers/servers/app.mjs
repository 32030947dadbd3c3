// The same answers as app.py from node's own server, express and fastify: `node app.mjs KIND PORT IDLE_MS MODULES`.
import { appendFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";

const [kind, port, idle, modules] = process.argv.slice(2);
const from = createRequire(`${modules}/package.json`);
const TEXT = "hello ".repeat(400);

async function plain(request, answer) {
  const body = await buffer(request);
  switch (request.url) {
    case "/echo":
      return answer.end(body);
    case "/note":
      appendFileSync(process.env.NOTES, `${request.headers["idempotency-key"] ?? ""} ${body}\n`);
      return answer.end("noted");
    case "/chunked":
      answer.write("one ");
      answer.write("two ");
      return answer.end(body);
    case "/empty":
      return answer.writeHead(204).end();
    case "/moved":
      return answer.writeHead(302, { location: "/page.txt" }).end();
    case "/large":
      for (let number = 0; number < 70; number++) answer.setHeader(`x-many-${number}`, "a".repeat(1000));
      return answer.end("ok");
    case "/page.txt":
      answer.setHeader("etag", '"one"');
      if (request.headers["if-none-match"] === '"one"') return answer.writeHead(304).end();
      if (!/gzip/.test(request.headers["accept-encoding"] ?? "")) return answer.end(TEXT);
      answer.setHeader("content-encoding", "gzip");
      return answer.end(gzipSync(TEXT));
  }
  answer.writeHead(404).end();
}

function viaExpress() {
  const app = from("express")();
  app.disable("x-powered-by");
  app.use(from("express").raw({ type: () => true, limit: "10mb" }));
  app.all("/echo", (request, answer) => answer.type("text").send(Buffer.isBuffer(request.body) ? request.body : ""));
  app.all("/chunked", (request, answer) => {
    answer.write("one ");
    answer.write("two ");
    answer.end(Buffer.isBuffer(request.body) ? request.body : "");
  });
  app.all("/empty", (request, answer) => answer.sendStatus(204));
  app.all("/moved", (request, answer) => answer.redirect("/page.txt"));
  app.all("/page.txt", (request, answer) => answer.set("etag", '"one"').type("text").send(TEXT));
  return http.createServer(app);
}

function viaFastify() {
  const app = from("fastify")({ bodyLimit: 10_000_000, exposeHeadRoutes: false });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (request, body, done) => done(null, body));
  app.all("/echo", async (request, reply) => reply.type("text/plain").send(request.body ?? Buffer.alloc(0)));
  app.all("/empty", async (request, reply) => reply.code(204).send());
  app.all("/moved", async (request, reply) => reply.redirect("/page.txt"));
  app.all("/page.txt", async (request, reply) => reply.type("text/plain").send(TEXT));
  return app.ready().then(() => app.server);
}

const server = await { node: () => http.createServer(plain), express: viaExpress, fastify: viaFastify }[kind]();
server.keepAliveTimeout = Number(idle);
server.listen(Number(port), "127.0.0.1");
