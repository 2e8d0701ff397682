import { assert, assertEquals, assertMatch } from "@std/assert";
import { removeDataFolder } from "./postgres_user.ts";
import { freePort } from "./ready.ts";
import type { StackFile } from "./stack_file.ts";

const START = new URL("start.ts", import.meta.url).pathname;

interface Running {
  process: Deno.ChildProcess;
  output: () => string;
  dataDir: string;
  args: string[];
}

function spawn(args: string[], env: Record<string, string> = {}): { process: Deno.ChildProcess; output: () => string } {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", START, ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({ write: (text) => void (output += text) }),
    ).catch(() => {});
  }
  return { process, output: () => output };
}

/** Starts a stack as a user does and waits until it says that it is ready. */
async function start(args: string[], env: Record<string, string> = {}): Promise<Running> {
  const dataDir = args[args.indexOf("--data-dir") + 1] ?? "";
  const { process, output } = spawn(args, env);
  let hasEnded = false;
  process.status.then(() => hasEnded = true);
  while (!output().includes("Ready in")) {
    assert(!hasEnded, output());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { process, output, dataDir, args };
}

/** Runs to the end a start that is to fail. */
async function fail(args: string[], env: Record<string, string> = {}, code = 1): Promise<string> {
  const { process, output } = spawn(args, env);
  assertEquals((await process.status).code, code, output());
  return output();
}

async function stop({ process }: Running, signal: Deno.Signal = "SIGTERM"): Promise<void> {
  process.kill(signal);
  await process.status;
}

/** A temporary folder, which only its owner may enter: as root, the user that PostgreSQL runs as may not. */
async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await removeDataFolder(`${folder}/postgres/cluster`);
    await Deno.remove(folder, { recursive: true });
  }
}

function argsFor(dataDir: string, ...more: string[]): string[] {
  return ["--data-dir", dataDir, "--hub-port", `${freePort()}`, "--vault-port", `${freePort()}`, ...more];
}

async function readStack({ dataDir }: Running): Promise<StackFile> {
  return JSON.parse(await Deno.readTextFile(`${dataDir}/stack.json`));
}

async function listServers(stack: StackFile): Promise<{ status: number; ids: string[] }> {
  const response = await fetch(`${stack.governance_hub.url}/functions/v1/mcp-servers/list`, {
    headers: { "x-api-key": stack.organizations[0]?.tenants[0]?.api_key ?? "" },
  });
  const body = await response.json();
  return { status: response.status, ids: body.data?.servers.map((server: { server_id: string }) => server.server_id) };
}

/** Whether anything listens on the stack's ports. */
async function isAnswering(stack: StackFile): Promise<boolean> {
  const urls = [stack.governance_hub.url, stack.key_vault_executor.url];
  const answers = await Promise.all(
    urls.map((url) => fetch(url).then((r) => r.body?.cancel().then(() => true), () => false)),
  );
  return answers.some(Boolean);
}

for (const engine of ["pglite", "postgres"]) {
  const flags = engine === "postgres" ? ["--postgres"] : [];

  Deno.test(`start on ${engine} prints curl commands that work as pasted, logs each request as one line, and keeps data and keys`, async () => {
    await withFolder(async (folder) => {
      const args = argsFor(folder, ...flags);
      const first = await start(args);
      const stack = await readStack(first);
      try {
        const pasted = first.output().match(/^curl (?:.*\\\n)*.*$/gm) ?? [];
        assertEquals(pasted.length, 4);
        for (const command of pasted) {
          const { stdout } = await new Deno.Command("sh", { args: ["-c", command.replace("curl", "curl -sS")] })
            .output();
          assertEquals(JSON.parse(new TextDecoder().decode(stdout)).ok, true, command);
        }
        const lines = first.output().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
        assertEquals(lines.map((line) => [line.function, line.status]), [
          ["mcp-servers-register", 201],
          ["mcp-servers-list", 200],
          ["credentials-store", 201],
          ["credentials-list", 200],
        ]);
        for (const line of lines) {
          const names = ["time", "request_id", "function", "actor_kind", "actor_id", "tenant_id", "status", "ms"];
          assertEquals(Object.keys(line), names);
          assertEquals([line.actor_kind, line.tenant_id], ["agent", stack.organizations[0]?.tenants[0]?.id]);
        }
        assertEquals(((await Deno.stat(`${folder}/stack.json`)).mode ?? 0) & 0o777, 0o600);
        assertEquals(stack.governance_hub.database_url !== null, engine === "postgres");
      } finally {
        await stop(first, "SIGINT");
      }
      const second = await start(args);
      try {
        const { organizations, credential_encryption_key, kernel_hmac_secret } = await readStack(second);
        assertEquals(organizations, stack.organizations);
        assertEquals(credential_encryption_key, stack.credential_encryption_key);
        assertEquals(kernel_hmac_secret, stack.kernel_hmac_secret);
        assertEquals(await listServers(await readStack(second)), { status: 200, ids: ["test-server"] });
      } finally {
        await stop(second);
      }
      const third = await start([...args, "--fresh"]);
      try {
        assertEquals((await listServers(stack)).status, 401);
        assertEquals((await listServers(await readStack(third))).ids, []);
      } finally {
        await stop(third);
      }
    });
  });

  Deno.test(`start on ${engine} stops everything within two seconds of SIGINT and SIGTERM, and removes stack.json`, async () => {
    await withFolder(async (folder) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        const running = await start(argsFor(folder, ...flags));
        const stack = await readStack(running);
        const begun = performance.now();
        running.process.kill(signal);
        const { code } = await running.process.status;
        assert(performance.now() - begun < 2000);
        assertEquals(code, 0, running.output());
        assertEquals(await isAnswering(stack), false);
        await assertGone(folder);
        assertEquals([...Deno.readDirSync(folder)].some((entry) => entry.name === "stack.json"), false);
      }
    });
  });

  Deno.test(`start on ${engine} leaves no process behind when it is killed, and starts again`, async () => {
    await withFolder(async (folder) => {
      const running = await start(argsFor(folder, ...flags));
      const stack = await readStack(running);
      await stop(running, "SIGKILL");
      const deadline = Date.now() + 5000;
      while (await isAnswering(stack)) assert(Date.now() < deadline, "a child outlived its parent");
      await assertGone(folder);
      const again = await start(running.args);
      assertEquals((await listServers(await readStack(again))).status, 200);
      await stop(again);
    });
  });

  Deno.test(`start on ${engine} tells of a broken data folder in one line`, async () => {
    await withFolder(async (folder) => {
      const args = argsFor(folder, ...flags);
      await stop(await start(args));
      const database = engine === "postgres" ? "postgres/cluster" : "pglite/governance_hub";
      await Deno.remove(`${folder}/${database}/global`, { recursive: true });
      assertOneError(await fail(args), /^error: .*(PostgreSQL does not start in|cannot be opened)/);
    });
  });
}

/** Asserts that the output is steps of progress, and one line that says what is wrong. */
function assertOneError(output: string, expected: RegExp): void {
  const lines = output.trim().split("\n").filter((line) => !line.endsWith(" …"));
  assertEquals(lines.length, 1, output);
  assertMatch(lines[0] ?? "", expected);
}

/** Waits until PostgreSQL's lock file is gone: its processes have ended. */
async function assertGone(folder: string): Promise<void> {
  const pidFile = `${folder}/postgres/cluster/postmaster.pid`;
  const deadline = Date.now() + 10_000;
  while (await Deno.stat(pidFile).then(() => true, () => false)) {
    assert(Date.now() < deadline, "PostgreSQL still runs");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("start tells in one line of a port that is taken and of a second start on one folder", async () => {
  await withFolder(async (folder) => {
    const running = await start(argsFor(folder));
    try {
      assertOneError(await fail(argsFor(folder)), /^error: a stack is running in .* already/);
      await withFolder(async (other) => {
        const [hubPort, vaultPort] = [running.args[3] ?? "", running.args[5] ?? ""];
        const onHub = await fail(["--data-dir", other, "--hub-port", hubPort, "--vault-port", `${freePort()}`]);
        assertOneError(onHub, new RegExp(`^error: port ${hubPort} is taken; choose another with --hub-port$`));
        const onVault = await fail(["--data-dir", other, "--hub-port", `${freePort()}`, "--vault-port", vaultPort]);
        assertOneError(onVault, new RegExp(`^error: port ${vaultPort} is taken; choose another with --vault-port$`));
      });
    } finally {
      await stop(running);
    }
  });
});

Deno.test("start stops within two seconds while it starts, too, and PostgreSQL after it", async () => {
  await withFolder(async (folder) => {
    const { process, output } = spawn(argsFor(folder, "--postgres"));
    while (!output().includes("applying migrations")) await new Promise((resolve) => setTimeout(resolve, 20));
    const begun = performance.now();
    process.kill("SIGINT");
    assertEquals((await process.status).code, 0, output());
    assert(performance.now() - begun < 2000);
    await assertGone(folder);
  });
});

Deno.test("start ends with 1 when PostgreSQL dies while migrations are applied", async () => {
  await withFolder(async (folder) => {
    const { process, output } = spawn(argsFor(folder, "--postgres"));
    while (!output().includes("applying migrations")) await new Promise((resolve) => setTimeout(resolve, 5));
    const [pid] = (await Deno.readTextFile(`${folder}/postgres/cluster/postmaster.pid`)).split("\n");
    Deno.kill(Number(pid), "SIGKILL");
    const timer = setTimeout(() => process.kill("SIGKILL"), 10_000);
    assertEquals((await process.status).code, 1, output());
    clearTimeout(timer);
    assertMatch(output(), /^error: /m);
  });
});

Deno.test("start waits for a PostgreSQL of the start before that is still ending", async () => {
  await withFolder(async (folder) => {
    const running = await start(argsFor(folder, "--postgres"));
    const [pid] = (await Deno.readTextFile(`${folder}/postgres/cluster/postmaster.pid`)).split("\n");
    Deno.kill(Number(pid), "SIGSTOP");
    await stop(running);
    const released = new Promise<void>((resolve) => setTimeout(resolve, 3000))
      .then(() => Deno.kill(Number(pid), "SIGCONT"));
    try {
      await stop(await start(running.args));
    } finally {
      await released;
    }
  });
});

Deno.test("start tells in one line of a mistyped option and of a folder that cannot be made", async () => {
  assertMatch(await fail(["--postgress"], {}, 2), /^error: unknown option '--postgress'.*--help\)\n$/);
  assertMatch(await fail(["now"], {}, 2), /^error: too many arguments.*--help\)\n$/);
  assertMatch(
    await fail(["--hub-port", "http"], {}, 2),
    /^error: .*'http' is invalid\. It must be a port, 1 to 65535\. /,
  );
  assertMatch(
    await fail(["--data-dir", "/dev/null/x"]),
    /^error: the data folder \/dev\/null\/x cannot be made: .*\n$/,
  );
});

Deno.test("start --help names every option", async () => {
  const { process, output } = spawn(["--help"]);
  assertEquals((await process.status).code, 0);
  for (const option of ["--postgres", "--hub-port", "--vault-port", "--data-dir", "--fresh"]) {
    assert(output().includes(option));
  }
});

Deno.test("start lets a variable of its environment win over the stack's own key", async () => {
  await withFolder(async (folder) => {
    const running = await start(argsFor(folder), { CREDENTIAL_ENCRYPTION_KEY: "not a key" });
    try {
      const { key_vault_executor: { url }, credential_encryption_key } = await readStack(running);
      assertEquals(credential_encryption_key, "not a key");
      const response = await fetch(`${url}/functions/v1/credentials/health`);
      assertEquals([response.status, (await response.json()).error.code], [503, "unavailable"]);
      assertMatch(running.output(), /"cause":"CREDENTIAL_ENCRYPTION_KEY is malformed: [^"]*openssl rand -hex 32/);
      assert(!running.output().includes("not a key"));
    } finally {
      await stop(running);
    }
  });
});

Deno.test("start deletes nothing when keys.json is missing or damaged, and says so in one line", async () => {
  await withFolder(async (folder) => {
    const args = argsFor(folder, "--postgres");
    await stop(await start(args));
    const keysPath = `${folder}/postgres/keys.json`;
    const keys = await Deno.readTextFile(keysPath);
    for (const damaged of [undefined, "{}", '{"organizations":[]}', keys.slice(0, 100)]) {
      if (damaged === undefined) await Deno.remove(keysPath);
      else await Deno.writeTextFile(keysPath, damaged);
      assertOneError(
        await fail(args),
        /^error: .*keys\.json is missing or damaged; restore it, or begin anew with --fresh$/,
      );
    }
    await Deno.writeTextFile(keysPath, keys);
    await stop(await start(args));
  });
});

Deno.test("start tells in one line of a malformed KERNEL_HMAC_SECRET, and takes an empty one for none", async () => {
  await withFolder(async (folder) => {
    assertOneError(
      await fail(argsFor(folder, "--postgres"), { KERNEL_HMAC_SECRET: "xyz" }),
      /^error: KERNEL_HMAC_SECRET must be at least 64 hex characters/,
    );
    await stop(await start(argsFor(folder, "--postgres"), { KERNEL_HMAC_SECRET: "" }));
  });
});
