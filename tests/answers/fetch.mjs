// node's fetch before the rows: [{url, upload}] on standard input, a verdict for each on standard output.
import { text } from "node:stream/consumers";

const verdicts = [];
setInterval(() => {}, 1000); // a fetch that never settles must not end the process: its timeout alone does not hold it
for (const { url, upload } of JSON.parse(await text(process.stdin))) {
  let status = null;
  try {
    const options = upload ? { method: "POST", body: Buffer.alloc(upload) } : {};
    const signal = AbortSignal.timeout(5000);
    const answer = await fetch(url, { ...options, signal, redirect: "manual", keepalive: false });
    status = answer.status;
    const body = Buffer.from(await answer.arrayBuffer()).toString("latin1");
    verdicts.push({ status, body, refusal: "" });
  } catch (error) {
    const why = error.cause ?? error;
    verdicts.push({ status, body: "", refusal: `${why.name}: ${why.message}` });
  }
}
process.stdout.write(JSON.stringify({ version: process.version, undici: process.versions.undici, verdicts }));
process.exit(0);
