/** A proxy between an operator's command and a project, which interrupts the command at one call of the database. */

export interface Step {
  /** A function of the data API. */
  name: string;
  /** Its first call, its second, … */
  occurrence: number;
  /** `before` the call reaches the project, `during` its work, or `after` it, with no answer to the command. */
  phase: "before" | "during" | "after";
}

export interface StepProxy {
  url: string;
  /** Runs at the step. */
  onStep(act: () => void): void;
  isReached(): boolean;
  stop(): Promise<void>;
}

export function stopAt(target: string, step: Step): StepProxy {
  let seen = 0;
  let isReached = false;
  let act = () => {};
  const reach = () => {
    isReached = true;
    act();
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const forward = async () => {
      const { method, headers } = request;
      const body = await request.arrayBuffer();
      return await fetch(target + pathname, { method, headers, ...(method === "POST" && { body }) });
    };
    const isStep = pathname.endsWith(`/${step.name}`) && ++seen === step.occurrence;
    if (!isStep) return await forward();
    if (step.phase === "before") {
      reach();
      return new Response(null, { status: 503 });
    }
    const answered = forward();
    if (step.phase === "after") await (await answered).body?.cancel();
    reach();
    await answered.then((response) => response.body?.cancel()).catch(() => {});
    return new Response(null, { status: 503 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    onStep: (given) => act = given,
    isReached: () => isReached,
    stop: () => server.shutdown(),
  };
}
