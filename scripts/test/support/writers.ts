/** A project's database with concurrent writers, each on its own connection. */

import postgres from "postgres";
import type { ProjectName } from "../../stack/projects.ts";
import { type Fixture, openFixture } from "../suites/isolation.ts";
import { openCluster } from "./cluster.ts";

export const WRITERS = 24;

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

export async function withWriters(
  project: ProjectName,
  work: (fixture: Fixture, writers: postgres.Sql[]) => Promise<void>,
): Promise<void> {
  const database = await cluster.createProject(project);
  const fixture = await openFixture(cluster, database, project);
  const writers = Array.from({ length: WRITERS }, () => postgres(cluster.url("authenticator", database), { max: 1 }));
  try {
    await Promise.all(writers.map((sql) => sql`select 1`));
    await work(fixture, writers);
  } finally {
    await Promise.all(writers.map((sql) => sql.end()));
    await fixture.close();
  }
}
