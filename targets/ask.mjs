// Answers the lines of its input with the WebAssembly of `wasm.rs`: node ask.mjs FILE.wasm

import { readFileSync } from "node:fs";

const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), {});
const { memory, room, ask, answered } = instance.exports;

function answer(line) {
  const bytes = new TextEncoder().encode(line);
  // The memory may move whenever the module runs, so no view of it is kept.
  const at = room(bytes.length);
  new Uint8Array(memory.buffer).set(bytes, at);
  const length = ask();
  return new TextDecoder().decode(new Uint8Array(memory.buffer, answered(), length));
}

const lines = readFileSync(0, "utf8").split("\n");
// After the last line end is no line.
if (lines.at(-1) === "") lines.pop();
for (const line of lines) console.log(answer(line));
