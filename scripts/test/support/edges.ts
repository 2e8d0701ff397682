/** Values at the bounds of every field, and just past them. */

import * as fc from "fast-check";
import * as fields from "shared/schema/request_fields.ts";
import type { ProjectName } from "../../stack/projects.ts";

export interface Field {
  project: ProjectName;
  column: string;
  /** `<column>_form` when absent. */
  constraint?: string;
  schema: { safeParse(value: unknown): { success: boolean } };
  samples: unknown[];
  arbitrary: fc.Arbitrary<unknown>;
  /** Text replacements in the constraint, or in a function that it calls. The samples must detect each of them. */
  slips: [from: string, to: string, called?: string][];
}

const KEY = "\u{1f511}";
/** Fillers for lengths: 1 to 4 bytes, 1 and 2 UTF-16 units, and a letter of two code points. */
export const FILLERS = ["a", "\u00e9", "e\u0301", "\uffff", KEY, "\u{10ffff}"];

const WHITE_SPACE = range(0, 0xffff).filter((character) => character.trim() === "");
const BESIDE_WHITE_SPACE = WHITE_SPACE.flatMap((character) => {
  const point = character.charCodeAt(0);
  return range(Math.max(point - 1, 0), point + 1);
});
const FORMAT_EDGES = [...pointsOf(/\p{Cf}/u), 0x2065, 0x2028, 0x2029].flatMap((point) =>
  [point - 1, point, point + 1].map((near) => String.fromCodePoint(near))
);
const EDGES = [
  ...new Set([
    ...range(0, 0xa1),
    ...WHITE_SPACE,
    ...BESIDE_WHITE_SPACE,
    // Invisible ones, a letter with marks, digits and letters that look like ASCII or fold to it.
    // The first and the last of each range of format characters, and their neighbours.
    ...FORMAT_EDGES,
    ..."\u0301\u180e\u200b\u200c\u200d\u2060\u20dd\u2800\u3164\ufe0f\u0660\uff21\uff10\u212a\u1e9e\u0130\u0131",
    ...["\ud7ff", "\ue000", "\ufdd0", "\ufffd", "\ufffe", "\uffff", "e\u0301", KEY, "\u{e0001}", "\u{10ffff}"],
    ...["\ud800", "\udbff", "\udc00", "\udfff", "\udd11\ud83d"],
  ]),
];

const PLAIN = "private.is_plain_text";
const PLAIN_SLIPS: Field["slips"] = ([
  ["\\u0001-", "\\u0002-"],
  ["-\\u001f", "-\\u001e"],
  ["\\u007f-", "\\u0080-"],
  ["-\\u009f", "-\\u009e"],
  ["-\\u0605", "-\\u0604"],
  ["\\u0600-", "\\u0601-"],
  ["-\\u202e", "-\\u202d"],
  ["-\\u2064", "-\\u2065"],
  ["\\u2066-", "\\u2067-"],
  ["-\\ufffb", "-\\ufffc"],
  ["-\\U0001343f", "-\\U00013440"],
  ["-\\U000e007f", "-\\U000e007e"],
  ...["2028", "2029", "00ad", "061c", "06dd", "070f", "0890", "0891", "08e2", "180e", "200b", "200e", "200f", "feff"]
    .map((code) => [`\\u${code}`, ""] as const),
  ...["000110bd", "000110cd", "000e0001"].map((code) => [`\\U${code}`, ""] as const),
  ["(^|[", "([^\\u0001-\\uffff]|["],
  ["($|[", "([^\\u0001-\\uffff]|["],
  ["\\u3000\\u200c\\u200d]", "\\u3000]"],
  ["\\u3000\\u200c", "\\u200c"],
  ["\\u3000])", "])"],
] as const).map(([from, to]) => [from, to, PLAIN]);

function lengthSlips(maxLength: number): Field["slips"] {
  return [
    [`<= ${maxLength}`, `<= ${maxLength - 1}`],
    [`<= ${maxLength}`, `<= ${maxLength + 1}`],
    ["(char_length(", "(octet_length("],
  ];
}

const BLANK_SLIPS: Field["slips"] = [
  ["\\u00a0", ""],
  ["\\u200a", "\\u2009"],
  ["[^\\u0020", "[^\\u0021"],
];

export const FIELDS: Field[] = [
  {
    project: "governance-hub",
    column: "server_id",
    schema: fields.serverId(),
    samples: textSamples(128),
    arbitrary: text(128),
    slips: [["<= 128", "<= 127"], ["<= 128", "<= 129"], ["*$", "*"], ["^[A", "[A"], [
      "[A-Za-z0-9@][",
      "[A-Za-z0-9@.][",
    ]],
  },
  {
    project: "governance-hub",
    column: "name",
    schema: fields.serverName(),
    samples: textSamples(200),
    arbitrary: text(200),
    slips: [...lengthSlips(200), ...PLAIN_SLIPS, ...BLANK_SLIPS, ["private.is_plain_text(name)", "true"]],
  },
  {
    project: "governance-hub",
    column: "command",
    schema: fields.command(),
    samples: textSamples(1024),
    arbitrary: text(1024),
    // Its other parts are the same as name's, and so are its samples.
    slips: [...lengthSlips(1024), ["private.is_plain_text(command)", "true"]],
  },
  {
    project: "governance-hub",
    column: "args",
    schema: fields.args(),
    samples: argsSamples(),
    arbitrary: fc.oneof(
      fc.array(text(4096), { maxLength: 3 }),
      fc.tuple(fc.integer({ min: 126, max: 130 }), fc.constantFrom(...FILLERS)).map(([count, arg]) => fill(count, arg)),
      fc.array(fc.constantFrom(...FILLERS.map((filler) => ofLength(filler, 4096))), { maxLength: 9 }),
    ),
    slips: [
      ["and 128", "and 127"],
      ["and 128", "and 129"],
      ["between 1 and 4096", "between 0 and 4096"],
      ["and 4096", "and 4095"],
      ["and 4096", "and 4097"],
      ["> 32768", "> 32767"],
      ["> 32768", "> 32769"],
      ["octet_length", "char_length"],
      ["char_length(arg)", "octet_length(arg)"],
      ["array_ndims(args) is distinct from 1", "array_ndims(args) is null"],
      ["arg is null or ", ""],
      ["not private.is_plain_text(arg)", "false"],
    ],
  },
  {
    project: "governance-hub",
    column: "tool_prefix",
    schema: fields.toolPrefix(),
    samples: prefixSamples(),
    arbitrary: fc.oneof(
      text(63, "aZ09_-").map((prefix) => `${prefix}.`),
      fc.array(text(8, "aZ09_-"), { minLength: 1, maxLength: 3 }).map((segments) =>
        segments.map((s) => `${s}.`).join("")
      ),
    ),
    slips: [
      ["<= 64", "<= 63"],
      ["<= 64", "<= 65"],
      ['lower((tool_prefix COLLATE "C")) !~', "tool_prefix !~"],
      ["\\.)+$", "\\.)+"],
      ["\\.)+$", "\\.?)+$"],
      ["^([", "(["],
      ["^([A-Za-z0-9]", "^([A-Za-z0-9_]"],
      ["[A-Za-z0-9])?", "[A-Za-z0-9-])?"],
      ["_-]*", "_]*"],
    ],
  },
  ...(["service", "credential_type"] as const).map((column): Field => ({
    project: "key-vault-executor",
    column,
    schema: column === "service" ? fields.service() : fields.credentialType(),
    samples: textSamples(64),
    arbitrary: text(64),
    constraint: "credential_form",
    slips: [["<= 64", "<= 63"], ["<= 64", "<= 65"], ["*$", "*"], ["^[A", "[A"], ["[A-Za-z0-9][", "[A-Za-z0-9@]["]],
  })),
];

/** The first and the last code point of each run that has the property. */
function pointsOf(property: RegExp): number[] {
  const has = (point: number) => property.test(String.fromCodePoint(point));
  return Array.from({ length: 0x110000 }, (_, point) => point).filter((point) =>
    has(point) && (!has(point - 1) || !has(point + 1))
  );
}

/** The characters of a range of UTF-16 units, both ends included. */
function range(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, i) => String.fromCharCode(first + i));
}

function fill<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

/** Repeats the filler until the text has that many code points. */
function ofLength(filler: string, length: number): string {
  const points = [...filler];
  return Array.from({ length }, (_, i) => points[i % points.length]).join("");
}

/** Null, the lengths around a bound, and each edge character by itself, first, last and in the middle. */
function textSamples(maxLength: number): unknown[] {
  const lengths = [0, 1, 2, maxLength / 2, maxLength / 2 + 1, maxLength - 1, maxLength, maxLength + 1];
  return [
    null,
    ...lengths.flatMap((length) => FILLERS.map((filler) => ofLength(filler, length))),
    ...EDGES.flatMap((edge) => [edge, `a${edge}`, `${edge}a`, `a${edge}b`]),
    // Lengths at the bound whose last code point is an edge character.
    ...["\n", " ", "\u0301", KEY].flatMap((edge) =>
      [maxLength - 1, maxLength].map((length) => "a".repeat(length) + edge)
    ),
    // Joiners next to each other, next to white space, and in words that need them.
    ...[
      "a\u200d\u200db",
      "a\u200c\u200db",
      "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
      "\u{1f469}\u200d\u{1f680}",
    ],
    ...WHITE_SPACE.flatMap((space) => [`a${space}\u200db`, `a\u200d${space}b`, `a${space}\u200c${space}b`]),
    WHITE_SPACE.join(""),
    WHITE_SPACE.filter((character) => character > "\u009f").join(""),
    `${WHITE_SPACE.filter((character) => character > "\u009f").join("")}a`,
  ];
}

function prefixSamples(): unknown[] {
  const texts = textSamples(64).filter((value) => typeof value === "string");
  return [
    ...textSamples(64),
    ...texts.map((value) => `${value}.`),
    ...texts.map((value) => `a.${value}.`),
    ...[62, 63, 64].flatMap((length) => FILLERS.map((filler) => `${ofLength(filler, length)}.`)),
    ...[31, 32, 33].map((segments) => "a.".repeat(segments)),
    ...["..", "a..", ".a.", "a..b.", "a.b", "a.b.c", "a-.", "-a.", "a_.", "_a.", "a-_b.", "a--b.", "a__b.", "-.", "_."],
    ...["hub.", "HUB.", "Hub.a.", "hub.hub.", "hubs.", "hub-.", "a.hub.", "hub", "hub_.a."],
    ...["A.b.C.", "0.", "0-0.", "a.-b.", "a.b-.", "a.\n", "a.\nb.", "a. ", " a.", "a.b.\n"],
  ];
}

function argsSamples(): unknown[] {
  const texts = textSamples(4096);
  const full = (filler: string, bytes: number) => {
    const size = new TextEncoder().encode(filler).byteLength;
    const count = Math.floor(bytes / size);
    const text = [...filler.repeat(count)];
    const parts = [];
    while (text.length > 0) parts.push(text.splice(0, 4096).join(""));
    return [...parts, ...fill(bytes - count * size, "a")];
  };
  return [
    null,
    ...texts.map((value) => [value]),
    ...EDGES.map((edge) => ["a", edge, "b"]),
    ...[0, 1, 2, 127, 128, 129].flatMap((count) => FILLERS.map((filler) => fill(count, filler))),
    ...[32767, 32768, 32769].flatMap((bytes) => FILLERS.map((filler) => full(filler, bytes))),
    // 128 arguments, and 32 KiB of them.
    ...[3471, 3472, 3473].map((rest) => [...fill(126, "a".repeat(200)), "a".repeat(4096), "a".repeat(rest)]),
    // Null elements, and nested arrays, which PostgreSQL reads as one array with more dimensions.
    ...[[[]], [["a"]], [["a", "b"]], [["a"], ["b"]], [["a"], ["b", "c"]], [[["a"]]]],
    ...[[null], ["a", null], [null, "a"]],
  ];
}

/** A text with a length near zero or near the bound, and edge characters at both ends. */
function text(maxLength: number, letters = "aZ09._-/:@"): fc.Arbitrary<string> {
  const character = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...letters) },
    { weight: 1, arbitrary: fc.constantFrom(...EDGES) },
  );
  const some = fc.array(character, { maxLength: 3 }).map((characters) => characters.join(""));
  const length = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: maxLength - 6, max: maxLength + 1 }));
  const filler = fc.oneof(fc.constant("a"), fc.constantFrom(...FILLERS));
  return fc.tuple(some, length, filler, some).map(([head, length, filler, tail]) =>
    head + ofLength(filler, Math.max(length, 0)) + tail
  );
}
