// Python code in colours: for each line its parts, each with what it is.

import Prism from "prismjs/components/prism-core";
import "prismjs/components/prism-python";

/** Some text of a line, and what it is: "keyword", "string", "comment", "number", "builtin"; "" for nothing in particular. */
export type Part = [text: string, kind: string];

/** What prism's tokens are called here. */
const KINDS: Record<string, string> = {
  keyword: "keyword", boolean: "keyword", string: "string", "triple-quoted-string": "string", comment: "comment", number: "number", decorator: "number",
  builtin: "builtin", "class-name": "builtin",
};

/** Characters that are coloured; of a cell that is data the rest stays plain. */
const MOST = 20_000;

/** The lines of some code, in parts. */
export function highlighted(code: string): Part[][] {
  const lines: Part[][] = [[]];
  const stack: [Prism.Item, string][] = [[code.slice(MOST), ""], ...[...Prism.tokenize(code.slice(0, MOST), Prism.languages["python"]!)].reverse().map((each): [Prism.Item, string] => [each, ""])];
  while (stack.length) {
    const [item, kind] = stack.pop()!;
    if (typeof item === "string") {
      item.split("\n").forEach((text, at) => {
        if (at) lines.push([]);
        if (text) lines[lines.length - 1]!.push([text, kind]);
      });
    } else if (Array.isArray(item.content)) {
      for (let at = item.content.length; at-- > 0; ) stack.push([item.content[at]!, KINDS[item.type] ?? ""]);
    } else stack.push([item.content, KINDS[item.type] ?? ""]);
  }
  return lines;
}
