/** Why a server could not be called, in a sentence for the caller. It becomes the tool's result. */

export const CALL_ERRORS = [
  "command_not_allowed",
  "program_not_found",
  "credential_ambiguous",
  "credential_unusable",
  "vault_unavailable",
  "start_failed",
  "server_ended",
  "invalid_answer",
  "cancelled",
  "backing_off",
  "busy",
  "timed_out",
  "too_large",
  "stopping",
] as const;

export type CallErrorCode = (typeof CALL_ERRORS)[number];

/** The message must hold nothing of a credential. The cause is only for the log. */
export class ToolCallError extends Error {
  override name = "ToolCallError";

  constructor(readonly code: CallErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
  }
}
