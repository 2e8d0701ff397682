/** An instance of a project's functions whose databases answer from memory, and two servers that do almost nothing. */

import process from "node:process";
import { answerFunction, loadFunctions } from "../../stack/project/functions.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { answerJobs } from "../support/worker.ts";
import { endProfiler, type Share, startProfiler } from "./cpu_profile.ts";
import { replayDatabase } from "./replayed_database.ts";

/** Serve a project, then any number of measurements: begin one, end it. */
export type InstanceJob = { serve: ProjectName; port: number } | { measure: "begin" | "end"; profiled: boolean };

export interface InstanceUse {
  /** Processor time of all threads since the measurement began, in microseconds. */
  cpuUs: number;
  shares: Share[];
}

const NOTHING: InstanceUse = { cpuUs: 0, shares: [] };

let begun = process.cpuUsage();

if (import.meta.main) {
  answerJobs(work);
  // The server would keep the process alive.
  process.on("disconnect", () => process.exit());
}

async function work(job: InstanceJob): Promise<InstanceUse> {
  if ("serve" in job) {
    await serve(job.serve, job.port);
    return NOTHING;
  }
  if (job.measure === "begin") {
    if (job.profiled) await startProfiler();
    begun = process.cpuUsage();
    return NOTHING;
  }
  const { user, system } = process.cpuUsage(begun);
  return { cpuUs: user + system, shares: job.profiled ? await endProfiler() : [] };
}

async function serve(project: ProjectName, port: number): Promise<void> {
  for (const name of ["DATABASE_URL", "REPO_B_DATABASE_URL"]) {
    const databaseUrl = Deno.env.get(name);
    if (databaseUrl !== undefined) replayDatabase(databaseUrl);
  }
  const functions = await loadFunctions(project);
  Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/constant") return Response.json({ ok: true });
    if (url.pathname === "/json") return Response.json(await request.json());
    return await answerFunction(functions, request, url);
  });
}
