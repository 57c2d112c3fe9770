// Reads lines of hexadecimal from its input, each a value that package value has encoded. For each it prints a line of JSON:
// the value as @stacks/transactions prints it, its own encoding of it, and what it makes of the text, read with its parser
// and encoded. Package value then decodes both.
import { createInterface } from "node:readline";
import { Cl, ClarityType, deserializeCV, serializeCV } from "@stacks/transactions";

// text is Cl.prettyPrint but for two things that depend on how it works: names of fields are put in the order of their bytes
// (there "name: value" is put in order), and what is not printable ASCII is written as a code point (there it stands as it
// is, or as JSON has it).
function text(v) {
  switch (v.type) {
    case ClarityType.OptionalSome: return `(some ${text(v.value)})`;
    case ClarityType.ResponseOk: return `(ok ${text(v.value)})`;
    case ClarityType.ResponseErr: return `(err ${text(v.value)})`;
    case ClarityType.List: return `(${["list", ...v.value.map(text)].join(" ")})`;
    case ClarityType.Tuple: return `{ ${Object.keys(v.value).sort().map((k) => `${k}: ${text(v.value[k])}`).join(", ")} }`;
    case ClarityType.StringASCII: return quoted(v.value);
    case ClarityType.StringUTF8: return "u" + quoted(v.value);
    default: return Cl.prettyPrint(v);
  }
}

const short = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const quoted = (s) => `"${[...s].map((c) => short[c] ?? (c >= " " && c <= "~" ? c : `\\u{${c.codePointAt(0).toString(16)}}`)).join("")}"`;

// parsed is the encoding of what the parser of @stacks/transactions makes of its own print, or nothing where it cannot read
// it: it knows neither escapes of code points nor every name, and reads negative integers as floating point numbers.
function parsed(v) {
  const s = Cl.prettyPrint(v);
  if (/[^ -~]|\\|-[0-9]{16}/.test(s)) return undefined;
  try {
    return serializeCV(Cl.parse(s));
  } catch {
    return undefined;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const v = deserializeCV(line);
  console.log(JSON.stringify({ text: text(v), hex: serializeCV(v), pretty: Cl.prettyPrint(v), parsed: parsed(v) }));
}
