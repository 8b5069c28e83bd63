// Has the official parsers read documents: `node check.mjs FILE…`, by the end of each file's name.
// Says what is wrong with each, and fails if something is.
import { readFile } from "node:fs/promises";
import { JSDOM } from "jsdom";

// Mermaid asks for a browser's document, even to parse.
const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
const { Parser } = await import("@asyncapi/parser");

const ERROR = 0;
// That there is a newer version of the language is no mistake.
const FINE = ["asyncapi-latest-version"];

async function asyncapi(text) {
  const { document, diagnostics } = await new Parser().parse(text);
  const found = diagnostics.filter(({ code }) => !FINE.includes(code));
  const lines = found.map(({ severity, code, message, path }) =>
    `${severity === ERROR ? "error" : "warning"}: ${code} at /${path.join("/")}: ${message}`);
  return document ? lines : [...lines, "error: it has no document"];
}

async function mmd(text) {
  try {
    await mermaid.parse(text);
    return [];
  } catch (error) {
    return [`error: ${error.message}`];
  }
}

let bad = 0;
for (const file of process.argv.slice(2)) {
  const text = await readFile(file, "utf8");
  const lines = file.endsWith(".asyncapi.json") ? await asyncapi(text) : await mmd(text);
  console.log(`${file}: ${lines.length === 0 ? "valid" : `${lines.length} problems`}`);
  lines.forEach((line) => console.log(`  ${line}`));
  bad += lines.length;
}
process.exitCode = bad === 0 ? 0 : 1;
