import { assert, assertEquals, assertMatch } from "@std/assert";
import type { StackFile } from "./data/stack_file.ts";
import {
  argsFor,
  curlsOf,
  fail,
  readStack,
  type Running,
  spawn,
  start,
  stop,
  untilPrinted,
  withFolder,
} from "./testing/start.ts";

async function listServers(stack: StackFile): Promise<{ status: number; ids: string[] }> {
  const ask = () =>
    fetch(`${stack.governance_hub.url}/functions/v1/mcp-servers/list`, {
      headers: { "x-api-key": stack.organizations[0]?.tenants[0]?.api_key ?? "" },
    });
  let response = await ask();
  // A busy machine's database may take longer than a request waits for it.
  for (const deadline = Date.now() + 60_000; response.status === 503 && Date.now() < deadline; response = await ask()) {
    await response.body?.cancel();
  }
  const body = await response.json();
  return { status: response.status, ids: body.data?.servers.map((server: { server_id: string }) => server.server_id) };
}

/** Whether anything listens on the stack's ports. */
async function isAnswering(stack: StackFile): Promise<boolean> {
  const urls = [stack.governance_hub.url, stack.key_vault_executor.url, stack.executor?.url ?? ""];
  const answers = await Promise.all(
    urls.map((url) => fetch(url).then((r) => r.body?.cancel().then(() => true), () => false)),
  );
  return answers.some(Boolean);
}

/** Starting a stack is what takes the time here, so each engine's steps go on with the folder of the step before. */
for (const engine of ["pglite", "postgres"]) {
  Deno.test(`start on ${engine}`, async (t) => {
    await withFolder(async (folder) => {
      const args = argsFor(folder, ...(engine === "postgres" ? ["--postgres"] : []));
      const first = await start(args);
      const stack = await readStack(first);

      await t.step("prints curl commands that work as pasted, and logs each request as one line", async () => {
        // The call of a tool installs a package from npm: scripts/test/clients/quick_start_test.ts pastes it.
        const pasted = curlsOf(first.output()).filter((command) => !command.includes("tools/call"));
        assertEquals(pasted.length, 2);
        for (const command of pasted) {
          const { stdout } = await new Deno.Command("sh", { args: ["-c", command.replace("curl", "curl -sS")] })
            .output();
          assertEquals(JSON.parse(new TextDecoder().decode(stdout)).ok, true, command);
        }
        assertLogged(first, stack);
        assertEquals(((await Deno.stat(`${folder}/stack.json`)).mode ?? 0) & 0o777, 0o600);
        assertEquals(stack.governance_hub.database_url !== null, engine === "postgres");
      });

      await t.step(
        "stops everything within two seconds of SIGINT, and removes stack.json",
        () => assertStops(first, "SIGINT"),
      );

      const second = await start(args);
      await t.step("keeps data and keys", async () => {
        const { organizations, credential_encryption_key, kernel_hmac_secret } = await readStack(second);
        assertEquals(organizations, stack.organizations);
        assertEquals(credential_encryption_key, stack.credential_encryption_key);
        assertEquals(kernel_hmac_secret, stack.kernel_hmac_secret);
        assertEquals(await listServers(await readStack(second)), { status: 200, ids: ["everything"] });
      });

      await t.step(
        "stops everything within two seconds of SIGTERM, and removes stack.json",
        () => assertStops(second, "SIGTERM"),
      );

      const third = await start([...args, "--fresh"]);
      const fresh = await readStack(third);
      await t.step("has new keys and no data with --fresh", async () => {
        assertEquals((await listServers(stack)).status, 401);
        assertEquals((await listServers(fresh)).ids, []);
      });

      await t.step("leaves no process behind when it is killed, and starts again", async () => {
        await stop(third, "SIGKILL");
        const deadline = Date.now() + 5000;
        while (await isAnswering(fresh)) assert(Date.now() < deadline, "a child outlived its parent");
        await assertGone(folder);
        const again = await start(args);
        assertEquals((await listServers(await readStack(again))).status, 200);
        await stop(again);
      });

      await t.step("says in one line that its data folder is broken", async () => {
        const database = engine === "postgres" ? "postgres/cluster" : "pglite/governance_hub";
        await Deno.remove(`${folder}/${database}/global`, { recursive: true });
        assertOneError(await fail(args), /^error: .*(PostgreSQL does not start in|cannot be opened)/);
      });
    });
  });
}

/** Asserts that its requests are a line each in what it has printed. */
function assertLogged(running: Running, stack: StackFile): void {
  const lines = running.output().split("\n").filter((line) => line.startsWith('{"time"')).map((line) =>
    JSON.parse(line)
  )
    .filter((line) => line.executor === undefined);
  assertEquals(lines.map((line) => [line.function, line.status]), [
    ["mcp-servers-register", 201],
    ["credentials-store", 201],
  ]);
  for (const line of lines) {
    const names = ["time", "request_id", "function", "actor_kind", "actor_id", "tenant_id", "status", "ms"];
    assertEquals(Object.keys(line), names, line.function);
    const who = [line.actor_kind, line.tenant_id];
    assertEquals(who, ["agent", stack.organizations[0]?.tenants[0]?.id], line.function);
  }
}

async function assertStops({ process, output, dataDir }: Running, signal: Deno.Signal): Promise<void> {
  const stack = await readStack({ dataDir });
  const begun = performance.now();
  process.kill(signal);
  const { code } = await process.status;
  assert(performance.now() - begun < 2000);
  assertEquals(code, 0, output());
  assertEquals(await isAnswering(stack), false);
  await assertGone(dataDir);
  assertEquals([...Deno.readDirSync(dataDir)].some((entry) => entry.name === "stack.json"), false);
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

Deno.test("start beside a running stack, in which a variable is set", async (t) => {
  await withFolder(async (folder) => {
    const running = await start(argsFor(folder), { CREDENTIAL_ENCRYPTION_KEY: "not a key" });

    await t.step("says in one line that a stack already runs in its folder", async () => {
      assertOneError(await fail(argsFor(folder)), /^error: a stack is already running in /);
    });

    await t.step("says in one line that a port is taken, before it makes anything", async () => {
      await withFolder(async (other) => {
        for (const option of ["--hub-port", "--vault-port", "--executor-port"]) {
          const taken = running.args[running.args.indexOf(option) + 1] ?? "";
          const said = await fail([...argsFor(other), option, taken]);
          assertOneError(said, new RegExp(`^error: port ${taken} is in use; choose another with ${option}$`));
          assertEquals((await Array.fromAsync(Deno.readDir(other))).map(({ name }) => name), ["lock"], option);
        }
      });
    });

    await t.step("lets the variable win over the stack's own key", async () => {
      const { key_vault_executor: { url }, credential_encryption_key } = await readStack(running);
      assertEquals(credential_encryption_key, "not a key");
      const response = await fetch(`${url}/functions/v1/credentials/health`);
      assertEquals([response.status, (await response.json()).error.code], [503, "unavailable"]);
      assertMatch(running.output(), /"cause":"CREDENTIAL_ENCRYPTION_KEY is malformed: [^"]*openssl rand -hex 32/);
      assert(!running.output().includes("not a key"));
    });

    await stop(running);
  });
});

Deno.test("start stops within two seconds while it starts, too, and PostgreSQL after it", async () => {
  await withFolder(async (folder) => {
    const { process, output } = spawn(argsFor(folder, "--postgres"));
    await untilPrinted(process, output, "applying migrations");
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
    await untilPrinted(process, output, "applying migrations");
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
    const { process, output } = spawn(running.args);
    try {
      await untilPrinted(process, output, "starting PostgreSQL 17");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      assert(!output().includes("applying migrations"), output());
    } finally {
      Deno.kill(Number(pid), "SIGCONT");
    }
    await untilPrinted(process, output, "Ready in");
    await stop({ ...running, process });
  });
});

Deno.test("start says in one line that an option is mistyped, or that its folder cannot be made", async () => {
  assertMatch(await fail(["--postgress"], {}, 2), /^error: unknown option '--postgress'.*--help\)\n$/);
  assertMatch(await fail(["now"], {}, 2), /^error: too many arguments.*--help\)\n$/);
  assertMatch(
    await fail(["--hub-port", "http"], {}, 2),
    /^error: .*'http' is invalid\. It must be a port, 1 to 65535\. /,
  );
  assertMatch(
    await fail(["--data-dir", "/dev/null/x"]),
    /^error: the data folder \/dev\/null\/x cannot be created: .*\n$/,
  );
});

Deno.test("start --help names every option", async () => {
  const { process, output } = spawn(["--help"]);
  assertEquals((await process.status).code, 0);
  const options = ["--postgres", "--hub-port", "--vault-port", "--executor-port", "--data-dir", "--fresh"];
  for (const option of [...options, "--no-executor", "--no-sandbox"]) {
    assert(output().includes(option), option);
  }
});

Deno.test("start that finds something malformed", async (t) => {
  await withFolder(async (folder) => {
    const args = argsFor(folder, "--postgres");

    await t.step(
      "says in one line that KERNEL_HMAC_SECRET is malformed, and treats an empty one as not set",
      async () => {
        assertOneError(
          await fail(args, { KERNEL_HMAC_SECRET: "xyz" }),
          /^error: KERNEL_HMAC_SECRET must be at least 64 hex characters/,
        );
        await stop(await start(args, { KERNEL_HMAC_SECRET: "" }));
      },
    );

    const keysPath = `${folder}/postgres/keys.json`;
    const keys = await Deno.readTextFile(keysPath);
    for (const damaged of [undefined, "{}", '{"organizations":[]}', keys.slice(0, 100)]) {
      await t.step(`deletes nothing when keys.json is ${damaged?.slice(0, 20) ?? "missing"}, and says so`, async () => {
        if (damaged === undefined) await Deno.remove(keysPath);
        else await Deno.writeTextFile(keysPath, damaged);
        assertOneError(
          await fail(args),
          /^error: .*keys\.json is missing or damaged; restore it, or start again with --fresh$/,
        );
      });
    }

    await t.step("starts with its data once keys.json is back", async () => {
      await Deno.writeTextFile(keysPath, keys);
      await stop(await start(args));
    });
  });
});
