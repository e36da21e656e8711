// Builds the front end into ../static, one file each for the loader and the inspector; with --tests, the tests into build/.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";

const common = {
  bundle: true,
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
  jsx: "automatic",
  jsxImportSource: "preact",
};

if (process.argv.includes("--tests")) {
  const tests = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
  const contents = tests.map((name) => `import "./test/${name}";`).join("\n");
  const stdin = { contents, resolveDir: "." };
  await build({ ...common, stdin, format: "esm", platform: "node", outfile: "build/tests.mjs", sourcemap: "inline" });
} else {
  const out = { ...common, minify: true };
  await build({ ...out, format: "esm", entryPoints: ["src/main.tsx"], outfile: "../static/inspector.js" });
  await build({ ...out, format: "iife", entryPoints: ["src/report.ts"], outfile: "../static/report.js" });
  const hash = createHash("sha256").update(readFileSync("../static/inspector.js")).digest("hex").slice(0, 16);
  const define = { BUNDLE: JSON.stringify(hash) };
  await build({ ...out, format: "esm", entryPoints: ["src/loader.ts"], outfile: "../static/loader.js", define });
}
