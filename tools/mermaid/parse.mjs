// Read Mermaid's flowchart on standard input with Mermaid itself, and say what is in it.
// Exit code 1 with its words if it cannot be read. Labels are cleaned with a page's own
// means, so there is a page.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");
const text = readFileSync(0, "utf8");
try {
  await mermaid.parse(text);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  const nodes = [...db.getVertices().values()].map(({ id, text }) => [id, text]);
  const edges = db.getEdges().map(({ start, end, text }) => [start, end, text]);
  const groups = db.getSubGraphs().map(({ id, title, nodes }) => [id, title, nodes]);
  console.log(JSON.stringify({ nodes, edges, groups }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
