/** @throws {SyntaxError} when the text is not TOML. */
export function parse(toml: string): Record<string, unknown>;
