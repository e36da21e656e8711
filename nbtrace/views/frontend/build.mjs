// Builds the front end into ../static: the loader, the inspector, the report, and the licences of what is in them. With --tests the tests
// into build/.
import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { minify } from "terser";

/** Of Prism's core only what takes text apart: the rest looks through the page that it is loaded into, and hangs itself upon it. */
function tokenizer(source) {
  const between = (first, behind) => {
    const [from, to] = [source.indexOf(first), source.indexOf(behind)];
    if (from < 0 || to < from) throw new Error(`Prism is another: ${first} does not stand before ${behind}`);
    return source.slice(from, to);
  };
  const functions = between("function Token(", "Token.stringify =") + between("function matchPattern(", "if (!_self.document)");
  return `const _ = { languages: {}, ${between("tokenize: function", "hooks: {")} };\n${functions}\nexport default _;`;
}

const prism = {
  name: "prism",
  setup({ onLoad }) {
    onLoad({ filter: /prismjs.components.prism-[a-z]+\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      return { contents: path.endsWith("core.js") ? tokenizer(source) : `import Prism from "prismjs/components/prism-core";\n${source}` };
    });
  },
};

/** Rules of style as a text, made small: no element would ask for a file of them. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true });
      return { contents: code, loader: "text" };
    });
  },
};

/** What is given to the minifier: it makes a twentieth less of it than esbuild alone. */
const small = { module: true, ecma: 2022, compress: { passes: 3 }, format: { ascii_only: true, comments: false } };

const common = {
  bundle: true,
  target: "es2022",
  charset: "ascii",
  legalComments: "none",
  logLevel: "warning",
  inject: ["src/jsx.ts"],
  // Types are checked as tsconfig.json says.
  tsconfigRaw: { compilerOptions: { jsx: "react", jsxFactory: "h", jsxFragmentFactory: "Fragment" } },
  plugins: [prism, styles],
};

if (process.argv.includes("--tests")) {
  const tests = readdirSync("test").filter((name) => name.endsWith(".test.ts"));
  const contents = tests.map((name) => `import "./test/${name}";`).join("\n");
  const stdin = { contents, resolveDir: "." };
  await build({ ...common, stdin, format: "esm", platform: "node", outfile: "build/tests.mjs", sourcemap: "inline" });
} else {
  const out = { ...common, minify: true };
  const { metafile } = await build({ ...out, format: "esm", entryPoints: ["src/main.tsx"], outfile: "../static/inspector.js", metafile: true });
  writeFileSync("../static/licenses.txt", licenses(Object.keys(metafile.inputs)));
  await build({ ...out, format: "iife", entryPoints: ["src/report.ts"], outfile: "../static/report.js" });
  await smaller("../static/inspector.js");
  await smaller("../static/report.js");
  const hash = createHash("sha256").update(readFileSync("../static/inspector.js")).digest("hex").slice(0, 16);
  const define = { BUNDLE: JSON.stringify(hash) };
  await build({ ...out, inject: [], format: "esm", entryPoints: ["src/loader.ts"], outfile: "../static/loader.js", define });
}

async function smaller(file) {
  const { code } = await minify(readFileSync(file, "utf8"), small);
  writeFileSync(file, `${code}\n`);
}

/** The licences of the packages that the files come from: they ask to be handed on. */
function licenses(files) {
  const packages = new Set(files.map((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]).filter(Boolean));
  return [...packages].sort().map((name) => {
    const text = ["LICENSE", "license", "LICENSE.md"].map((file) => `node_modules/${name}/${file}`).find((file) => existsSync(file));
    if (!text) throw new Error(`${name} has no licence to be handed on`);
    return `${name}\n\n${readFileSync(text, "utf8").trim()}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}
