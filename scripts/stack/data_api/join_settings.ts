/** Sends the settings of a request in one statement, as PostgREST does. The library sends each in its own. */

export type RunQuery<Result> = (text: string, values?: unknown[]) => Promise<Result>;

const SETTING = /^\s*select set_config\('([a-z._]+)', (?:\$1|''), true\)\s*$/i;

/**
 * Holds settings back until the next other query of the same transaction.
 *
 * @param none the answer to a setting, which the library does not read
 */
export function joinSettings<Result>(run: RunQuery<Result>, none: Result): RunQuery<Result> {
  let held: { name: string; value: unknown }[] = [];
  return async (text, values = []) => {
    const name = SETTING.exec(text)?.[1];
    if (name !== undefined) {
      held.push({ name, value: values[0] ?? "" });
      return none;
    }
    const settings = held;
    held = [];
    if (settings.length > 0) {
      const calls = settings.map(({ name }, index) => `set_config('${name}', $${index + 1}, true)`);
      await run(`select ${calls.join(", ")}`, settings.map(({ value }) => value));
    }
    return await run(text, values);
  };
}
