/** An OpenAPI document and the JSON Schemas in it, by JSON pointer (RFC 6901). */

import { Ajv2020 } from "ajv/2020";
import addFormats from "ajv-formats";

// deno-lint-ignore no-explicit-any -- a document is whatever was served; a test that misreads it fails
export type Node = any;

export interface Contract {
  /** The node at a pointer, and its own pointer, after references are resolved. */
  find(pointer: string): { node: Node; pointer: string } | undefined;
  /** Why the value does not fit the schema at a pointer, or undefined. */
  fault(pointer: string, value: unknown): string | undefined;
}

export function readContract(document: Node): Contract {
  // The whole document is added as a schema, so that schemas in it can refer to each other.
  const ajv = new Ajv2020({ allErrors: true, strictTypes: false, keywords: Object.keys(document) });
  addFormats.default(ajv);
  ajv.addSchema(document, "document", false, false);

  function find(pointer: string): { node: Node; pointer: string } | undefined {
    const steps = pointer.split("/").slice(1).map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const node = steps.reduce((node, step) => node?.[step], document);
    if (node === undefined) return undefined;
    return typeof node.$ref === "string" ? find(node.$ref.slice(1)) : { node, pointer };
  }

  function fault(pointer: string, value: unknown): string | undefined {
    const validate = ajv.getSchema(`document#${encodeURI(pointer)}`);
    if (validate === undefined) throw new Error(`there is no schema at ${pointer}`);
    return validate(value) ? undefined : ajv.errorsText(validate.errors, { dataVar: "" });
  }

  return { find, fault };
}

/** A pointer extended by these steps. */
export function below(pointer: string, ...steps: (string | number)[]): string {
  const escaped = steps.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1"));
  return [pointer, ...escaped].join("/");
}
