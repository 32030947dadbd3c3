import createClient from "openapi-fetch";
import type { paths } from "./recuro.js";

const [baseUrl, token] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

const cron = await client.POST("/api/crons", {
    body: { name: "by a generated client", url: "https://a.example/", cron_expression: "0 0 1 1 *" },
    params: { header: { "Idempotency-Key": "generated-1" } },
});
const job = await client.POST("/api/jobs", { body: { queue: "generated", url: "https://a.example/" } });
const wrong = await client.POST("/api/jobs", { body: { queue: "generated", url: "no URL" } });
if (!cron.data || !job.data || !wrong.error || !("errors" in wrong.error)) throw new Error("not as described");

const readCron = await client.GET("/api/crons/{cron_id}", { params: { path: { cron_id: cron.data.id } } });
const readJob = await client.GET("/api/jobs/{job_id}", { params: { path: { job_id: job.data.job_id } } });
console.log(JSON.stringify([readCron.data?.name, readJob.data?.queue, Object.keys(wrong.error.errors)]));
