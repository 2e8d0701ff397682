// A server of revision 2026-07-28, by hand, with what the conformance suite asks for.
import { createHmac, randomBytes } from "node:crypto";
import { createInterface } from "node:readline";

const CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const LOG_LEVEL = "io.modelcontextprotocol/logLevel";
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAAAAA==";
const KEY = randomBytes(32);

const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const text = (words) => ({ type: "text", text: words });
const said = (words) => ({ content: [text(words)] });
const image = { type: "image", data: PNG, mimeType: "image/png" };
const resource = (uri, mimeType, words) => ({ type: "resource", resource: { uri, mimeType, text: words } });

/** A state that only this process can have made. */
const stateOf = (words) => `${words}.${createHmac("sha256", KEY).update(words).digest("hex")}`;
const isOurs = (state) => state === stateOf(String(state).split(".")[0]);

const elicit = (message, property, type) => ({
  method: "elicitation/create",
  params: {
    mode: "form",
    message,
    requestedSchema: { type: "object", properties: { [property]: { type } }, required: [property] },
  },
});
const sample = (question) => ({
  method: "sampling/createMessage",
  params: { messages: [{ role: "user", content: text(question) }], maxTokens: 100 },
});
const ROOTS = { method: "roots/list", params: {} };
const ask = (inputRequests, requestState) => ({
  resultType: "input_required",
  inputRequests,
  ...(requestState && { requestState }),
});

function refuse(code, message, data) {
  throw Object.assign(new Error(message), { code, data });
}

/** The answers, if there is a well-formed one to each question. */
function answersTo(names, { inputResponses }) {
  if (inputResponses === undefined) return undefined;
  if (typeof inputResponses !== "object" || inputResponses === null) refuse(-32602, "inputResponses must be an object");
  for (const name of names) {
    const answer = inputResponses[name];
    if (answer === undefined) return undefined;
    if (typeof answer !== "object" || answer === null) refuse(-32602, `inputResponses.${name} must be an object`);
  }
  return inputResponses;
}

/** Asks until each question is answered. */
function asking(requests, done, state) {
  return (params) => {
    const answers = answersTo(Object.keys(requests), params);
    if (answers === undefined) return ask(requests, state && stateOf(state));
    if (state && !isOurs(params.requestState)) refuse(-32602, "the requestState was changed");
    return said(done(answers));
  };
}

const NAME = elicit("What is your name?", "name", "string");
const OK = elicit("Please confirm", "ok", "boolean");

const TOOLS = {
  test_simple_text: () => said("This is a simple text response for testing."),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: "audio", data: WAV, mimeType: "audio/wav" }] }),
  test_embedded_resource: () => ({
    content: [resource("test://embedded-resource", "text/plain", "This is an embedded resource content.")],
  }),
  test_multiple_content_types: () => ({
    content: [
      text("Multiple content types test:"),
      image,
      resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
  }),
  test_error_handling: () => ({ ...said("This tool intentionally returns an error for testing"), isError: true }),
  async test_tool_with_progress({ _meta }) {
    for (const progress of [0, 50, 100]) {
      const { progressToken } = _meta;
      const params = { progressToken, progress, total: 100 };
      if (progressToken !== undefined) send({ method: "notifications/progress", params });
      await wait(50);
    }
    return said("done");
  },
  async test_tool_with_logging({ _meta }) {
    for (const data of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      if (_meta[LOG_LEVEL]) send({ method: "notifications/message", params: { level: "info", data } });
      await wait(50);
    }
    return said("done");
  },
  json_schema_2020_12_tool: () => said("valid"),
  test_logging_tool: () => said("nothing is logged: nobody asked for it"),
  test_missing_capability({ _meta }) {
    if (_meta[CAPABILITIES]?.sampling) return said("the caller can sample");
    refuse(-32021, "sampling is required", { requiredCapabilities: { sampling: {} } });
  },
  test_streaming_elicitation: asking({ user_name: NAME }, () => "thanks"),
  test_input_required_result_elicitation: asking(
    { user_name: NAME },
    ({ user_name }) => `Hello, ${user_name.content?.name}!`,
  ),
  test_input_required_result_sampling: asking(
    { capital_question: sample("What is the capital of France?") },
    ({ capital_question }) => String(capital_question.content?.text),
  ),
  test_input_required_result_list_roots: asking(
    { client_roots: ROOTS },
    ({ client_roots }) => JSON.stringify(client_roots.roots),
  ),
  test_input_required_result_request_state: asking({ confirm: OK }, () => "state-ok", "confirm"),
  test_input_required_result_tampered_state: asking({ confirm: OK }, () => "state-ok", "tampered"),
  test_input_required_result_multiple_inputs: asking(
    { user_name: NAME, greeting: sample("Generate a greeting"), client_roots: ROOTS },
    () => "all three",
    "multiple",
  ),
  test_input_required_result_multi_round(params) {
    const second = { step2: elicit("Step 2: What is your favorite color?", "color", "string") };
    if (params.requestState === undefined) {
      return ask({ step1: elicit("Step 1: What is your name?", "name", "string") }, stateOf("one"));
    }
    if (params.requestState === stateOf("one")) return ask(second, stateOf("two"));
    return asking(second, () => "both", "two")(params);
  },
  test_input_required_result_capabilities({ _meta }) {
    const { sampling, elicitation } = _meta[CAPABILITIES] ?? {};
    return ask({ ...(sampling && { q: sample("Anything?") }), ...(elicitation && { n: NAME }) });
  },
};

/** A schema with what gateways have been seen to drop. */
const SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const message = (content) => ({ role: "user", content });
const PROMPTS = {
  test_simple_prompt: () => [message(text("This is a simple prompt for testing."))],
  test_prompt_with_arguments: ({ arguments: { arg1, arg2 } }) => [
    message(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  ],
  test_prompt_with_embedded_resource: ({ arguments: { resourceUri } }) => [
    message(resource(resourceUri, "text/plain", "Embedded resource content for testing.")),
    message(text("Please process the embedded resource above.")),
  ],
  test_prompt_with_image: () => [message(image), message(text("Please analyze the image above."))],
};
const ASKING_PROMPT = "test_input_required_result_prompt";
const CONTEXT = { user_context: elicit("What context should the prompt use?", "context", "string") };

function getPrompt(params) {
  if (params.name === ASKING_PROMPT) {
    const answers = answersTo(["user_context"], params);
    return answers === undefined ? ask(CONTEXT) : { messages: [message(text(answers.user_context.content?.context))] };
  }
  if (!Object.hasOwn(PROMPTS, params.name)) refuse(-32602, "there is no such prompt");
  return { messages: PROMPTS[params.name](params) };
}

const RESOURCES = {
  "test://static-text": { mimeType: "text/plain", text: "This is the content of the static text resource." },
  "test://static-binary": { mimeType: "image/png", blob: PNG },
};

function readResource({ uri }) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  const json = () => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
  const found = id === undefined ? RESOURCES[uri] : { mimeType: "application/json", text: json() };
  if (found === undefined) refuse(-32602, "there is no such resource", { uri });
  return { contents: [{ uri, ...found }], ttlMs: 1000, cacheScope: "public" };
}

const CAPABILITIES_OFFERED = { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} };
const list = (member, items) => ({ [member]: items, ttlMs: 0, cacheScope: "private" });
const METHODS = {
  "server/discover": () => ({ supportedVersions: ["2026-07-28"], capabilities: CAPABILITIES_OFFERED }),
  "tools/list": () =>
    list(
      "tools",
      Object.keys(TOOLS).map((name) => ({
        name,
        description: name,
        inputSchema: name === "json_schema_2020_12_tool" ? SCHEMA_2020_12 : { type: "object" },
      })),
    ),
  "prompts/list": () =>
    list("prompts", [...Object.keys(PROMPTS), ASKING_PROMPT].map((name) => ({ name, description: name }))),
  "resources/list": () => list("resources", Object.keys(RESOURCES).map((uri) => ({ uri, name: uri }))),
  "resources/templates/list": () =>
    list("resourceTemplates", [{ uriTemplate: "test://template/{id}/data", name: "by id" }]),
  "prompts/get": getPrompt,
  "resources/read": readResource,
  "completion/complete": ({ argument }) => ({ completion: { values: [`${argument.value}ing`], hasMore: false } }),
  "tools/call": (params) =>
    Object.hasOwn(TOOLS, params.name) ? TOOLS[params.name](params) : refuse(-32601, "there is no such tool"),
};

async function answer(method, params) {
  return Object.hasOwn(METHODS, method) ? await METHODS[method](params) : refuse(-32601, "there is no such method");
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const { id, method, params = {} } = JSON.parse(line);
  if (id === undefined) return;
  try {
    send({ id, result: { resultType: "complete", ...await answer(method, { _meta: {}, ...params }) } });
  } catch ({ code = -32603, message, data }) {
    send({ id, error: { code, message, ...(data && { data }) } });
  }
}).on("close", () => process.exit(0));
